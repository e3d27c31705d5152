//! Hashes that stand for values in keys and in memory. Nothing secret goes in, so they need no key.

use aws_lc_rs::digest;

use crate::domain::ids::{AppId, EventId, Subject};

/// What stands for a subject in a key: 64 characters, whatever the lengths of the ids.
pub(super) fn subject(subject: &Subject) -> String {
    hex::encode(sha256(subject.app.as_str(), subject.id.as_str()))
}

/// What an event is remembered by. 128 bits of a hash: no two events of an app will ever share one.
pub(super) fn event(app: &AppId, event: &EventId) -> u128 {
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&sha256(app.as_str(), event.as_str()).as_ref()[..16]);
    u128::from_le_bytes(bytes)
}

/// Neither text can hold a NUL, so no two pairs give the same input.
fn sha256(first: &str, second: &str) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(first.as_bytes());
    context.update(&[0]);
    context.update(second.as_bytes());
    context.finish()
}
