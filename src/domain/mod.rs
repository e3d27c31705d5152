//! The words of the product and its rules, pure: no async, no I/O, no clock, no platform's name.
//!
//! Everything else imports this module; it imports nothing of ours. A string that means something is parsed into a
//! type here, once, at the edge of the process; inside, the type is trusted.

pub mod auth_session;
pub mod caller;
pub mod card;
pub mod clock;
pub mod event;
pub mod expiry;
pub mod grant;
pub mod hint;
pub mod identity;
pub mod ids;
pub mod job;
pub mod platform_code;
pub mod random;
pub mod rate_limit;
pub mod refresh;
pub mod refresh_plan;
pub mod scopes;
pub mod secret;
pub mod token;
pub mod waiting_line;
pub mod wording;
