//! DingTalk: events and card taps over its stream. Documents: the open platform's page on the stream protocol.

pub mod codec;
pub mod endpoint;
mod events;
mod frame;
pub mod protocol;
