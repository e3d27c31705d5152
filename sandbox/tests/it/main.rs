//! The sandbox through its doors: real HTTP against a sandbox per test.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helping functions too")]

#[path = "../stream/client.rs"]
#[expect(dead_code, reason = "the stream's own tests use the rest of the client")]
mod client;

mod apaas;
mod authorize;
mod bench;
mod chat;
mod control;
mod device;
mod dingtalk;
mod endpoint;
mod faults;
mod judge;
mod lifecycle;
mod messages;
mod oauth_code;
mod oauth_refresh;
mod rate_limits;
mod refresh_modes;
mod taps;
mod tenant_token;
mod tls;
mod user_info;
mod webhook;
mod wechat;
