//! DingTalk, as far as an auth gateway uses it. So far: its long connection.

pub mod stream;
