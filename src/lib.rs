//! Cardkey: an event-driven auth gateway for chat bots. A service asks for a person's token; the person taps a card in
//! the chat; the service has the token.
pub mod access;
pub mod auth_session;
pub mod config;
pub mod dispatch;
pub mod domain;
pub mod grants;
pub mod jobs;
pub mod metrics;
pub mod platform;
pub mod retry;
pub mod shutdown;
pub mod store;
pub mod stream;
pub mod telemetry;
pub mod vault;
pub mod web;
