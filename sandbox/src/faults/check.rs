//! What a rule may say.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Action, RuleError};

/// Refuses an action that could not be carried out.
pub(super) fn check(action: &Action) -> Result<(), RuleError> {
    match action {
        Action::Raw { bytes_base64, .. } => STANDARD.decode(bytes_base64).map(drop).map_err(|_| RuleError::Base64),
        Action::Status { status, .. } if http::StatusCode::from_u16(*status).is_err() => {
            Err(RuleError::Status(*status))
        }
        Action::Status { headers, .. } | Action::Body { headers, .. } => check_headers(headers),
        _ => Ok(()),
    }
}

fn check_headers(headers: &BTreeMap<String, String>) -> Result<(), RuleError> {
    let fits = |name: &str, value: &str| {
        name.parse::<http::HeaderName>().is_ok() && http::HeaderValue::from_str(value).is_ok()
    };
    match headers.iter().find(|(name, value)| !fits(name, value)) {
        Some((name, _)) => Err(RuleError::Header(name.clone())),
        None => Ok(()),
    }
}
