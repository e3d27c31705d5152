//! The gateway through the doors that its users use, against the sandbox on the other side of real sockets.
//!
//! Every test makes a [`World`](harness::World): a sandbox and a gateway with a database of their own, on a loopback
//! address of their own. `World::end` looks for every secret of that world in everything that was written or answered.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helping functions too")]

#[macro_use]
mod harness;

mod app_tokens;
mod asking;
mod backup;
mod bad_answers;
mod bad_api;
mod bad_clients;
mod bad_frames;
mod bad_oauth;
mod bad_refreshes;
mod browser;
mod chaos;
mod cli;
mod conformance;
mod conformance_dingtalk;
mod crash;
mod crowd;
mod device_polls;
mod dingtalk;
mod ending;
mod expiry_watch;
mod hints;
mod identities;
mod impostor;
mod invariants;
mod jobs;
#[cfg(feature = "failpoints")]
mod kill_matrix;
mod leaks;
mod long;
mod memory;
mod metrics;
mod nonces;
mod pictures;
mod platform_events;
mod reach;
mod reasking;
mod refresh_crash;
mod refreshing;
mod replicas;
mod rotation;
mod scenarios;
mod scheduling;
mod sending;
mod settings;
mod storm;
mod story;
mod streams;
mod taking_back;
mod user_info;
mod webhooks;
mod wechat;
