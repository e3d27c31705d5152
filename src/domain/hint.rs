//! A hint from one process on the database to the others: something may be worth a look sooner than it would be had.
//!
//! A hint carries an id and nothing else: what happened is read from the store. It may be lost, late, doubled or false; nothing
//! but the time that somebody waits may depend on it.

use std::sync::Arc;

use super::auth_session::AuthSessionId;
use super::ids::GrantId;

/// What may be worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// The refresh of this grant that was under way is over.
    Grant(GrantId),
    /// This session has moved on.
    Session(AuthSessionId),
}

/// Where a use case tells its hints. It must not wait.
pub type Tell = Arc<dyn Fn(Hint) + Send + Sync>;

/// Tells nobody.
#[must_use]
pub fn nobody() -> Tell {
    Arc::new(|_| {})
}
