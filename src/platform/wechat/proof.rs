//! What a session key proves: that a text came through the platform, and that we hold the key. In both, the key is its base64
//! text as it came, not the bytes that it stands for.

use aws_lc_rs::{digest, hmac};
use serde_json::{Map, Value};

use crate::domain::secret::Secret;
use crate::platform::client::strict_object;
use crate::platform::{NotGenuine, Signed};

/// Reads what was signed: the signature is SHA-1 over the text and the session key behind it, as the platform has it.
pub(super) fn read(signed: &Signed<'_>, session: &Secret) -> Result<Map<String, Value>, NotGenuine> {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(signed.text.as_bytes());
    context.update(session.expose().as_bytes());
    let expected = Secret::new(hex::encode(context.finish()));
    if !expected.matches(signed.signature) {
        return Err(NotGenuine);
    }
    strict_object(signed.text.as_bytes()).map_err(|_| NotGenuine)
}

/// Proves to the platform that we hold the key.
pub(super) fn of_session(session: &Secret, message: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session.expose().as_bytes());
    hex::encode(hmac::sign(&key, message))
}
