//! Cardkey: an event-driven auth gateway for chat bots. A service asks for a person's token; the person taps a card in
//! the chat; the service has the token.
//!
//! | module | what it is | may know |
//! |---|---|---|
//! | [`domain`] | the words and the rules, pure | nothing of ours |
//! | [`vault`] | encryption at rest; the only place that sees keys | domain |
//! | [`store`] | the only home of the database | domain, vault |
//! | [`stream`] | long connections; knows WebSocket, knows no platform | domain, retry |
//! | [`platform`] | the contract, and one folder per chat platform | domain, stream's contract |
//! | [`access`], [`auth_session`], [`grants`], [`login`] | the use cases: callers, asking a person, giving a token, saying who logs in | domain, store, platform's contract; never each other |
//! | [`dispatch`] | the one consumer of pushed events | the use cases |
//! | [`web`] | HTTP for callers, people and operators | the use cases |
//! | [`hints`] | what replicas tell each other through Redis, if there is one; nothing depends on it | domain, retry |
//! | [`config`] | file and environment | domain |
//! | [`jobs`], [`retry`], [`shutdown`], [`telemetry`], [`metrics`], [`failpoint`] | one small thing each | next to nothing |
//! | [`app`] | puts it all together; the only place that names every concrete type | everything |
//!
//! `tests/architecture.rs` holds this table in full. To add a platform: a folder under [`platform`] that fulfils the
//! contract, a line in the registry of `app/platforms.rs`, a folder in the sandbox; `docs/how-to-add-a-platform.md` has
//! the steps.

pub mod access;
pub mod app;
pub mod auth_session;
pub mod config;
pub mod dispatch;
pub mod domain;
pub mod failpoint;
pub mod grants;
pub mod hints;
pub mod jobs;
pub mod login;
pub mod metrics;
pub mod platform;
pub mod retry;
pub mod shutdown;
pub mod store;
pub mod stream;
pub mod telemetry;
pub mod vault;
pub mod web;
