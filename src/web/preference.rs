//! `Prefer: wait=N` (RFC 7240 §4.3): how long a caller holds the line.

use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;

/// The longest wait; a caller that prefers more gets this much.
const MAX_WAIT: u64 = 60;

/// How long the caller would wait; zero without a preference.
pub(super) struct Wait(pub(super) Duration);

impl<S: Sync> FromRequestParts<S> for Wait {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let values = parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let seconds = values.flat_map(|value| value.split(',')).find_map(wait).unwrap_or(0);
        Ok(Self(Duration::from_secs(seconds.min(MAX_WAIT))))
    }
}

/// A preference that cannot be read is ignored, as the RFC has it.
fn wait(preference: &str) -> Option<u64> {
    let (name, value) = preference.split(';').next()?.split_once('=')?;
    name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse().ok())?
}

impl Wait {
    /// The value of `Preference-Applied`, if there was a preference.
    pub(super) fn applied(&self) -> Option<String> {
        (!self.0.is_zero()).then(|| format!("wait={}", self.0.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_rfc_writes() {
        assert_eq!(wait("wait=10"), Some(10));
        assert_eq!(wait(" Wait = \"7\" "), Some(7));
        assert_eq!(wait("respond-async"), None);
        assert_eq!(wait("wait=-1"), None);
        assert_eq!(wait("wait=99999999999999999999"), None);
    }
}
