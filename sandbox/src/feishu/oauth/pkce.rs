//! PKCE: does this verifier belong to that challenge?

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Problem, Version};
use crate::world::grants::{Challenge, ChallengeMethod};

/// Compares. v3 refuses a verifier for which there is no challenge; v2 does not look at it.
pub(super) fn check(challenge: Option<&Challenge>, verifier: Option<&str>, version: Version) -> Result<(), Problem> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) if version == Version::V2 => Ok(()),
        (Some(challenge), Some(verifier)) if fits(challenge, verifier) => Ok(()),
        _ => Err(Problem::Pkce),
    }
}

fn fits(challenge: &Challenge, verifier: &str) -> bool {
    if !(43..=128).contains(&verifier.len()) {
        return false;
    }
    match challenge.method {
        ChallengeMethod::Plain => challenge.value == verifier,
        ChallengeMethod::S256 => challenge.value == URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge(method: ChallengeMethod, value: &str) -> Challenge {
        Challenge { method, value: value.to_owned() }
    }

    #[test]
    fn both_methods() {
        let hashed = challenge(ChallengeMethod::S256, CHALLENGE);
        assert!(check(Some(&hashed), Some(VERIFIER), Version::V3).is_ok());
        assert!(check(Some(&hashed), Some(CHALLENGE), Version::V3).is_err());
        assert!(check(Some(&hashed), None, Version::V3).is_err());
        let plain = challenge(ChallengeMethod::Plain, VERIFIER);
        assert!(check(Some(&plain), Some(VERIFIER), Version::V3).is_ok());
        let short = challenge(ChallengeMethod::Plain, "short");
        assert!(check(Some(&short), Some("short"), Version::V3).is_err());
    }

    #[test]
    fn a_verifier_without_a_challenge_splits_the_versions() {
        assert!(check(None, Some(VERIFIER), Version::V2).is_ok());
        assert_eq!(check(None, Some(VERIFIER), Version::V3), Err(Problem::Pkce));
        assert!(check(None, None, Version::V3).is_ok());
    }
}
