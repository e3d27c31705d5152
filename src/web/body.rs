//! JSON bodies: bounded in size and time, refused with words.

use axum::extract::{FromRequest, Request};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::serve::Limits;

/// The largest body of a caller, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Why a body was not read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unread {
    /// It has more bytes than this.
    TooLarge(usize),
    /// It did not come in time.
    TooSlow,
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge(limit) => Self::too_large(limit),
            Unread::TooSlow => Self::too_slow(),
        }
    }
}

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let headers = request.headers();
        let json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json);
        if !json || headers.contains_key(CONTENT_ENCODING) {
            return Err(Problem::media_type());
        }
        let bytes = read(request).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Problem::invalid(explain(&error)))
    }
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads a caller's body within the bounds.
pub(super) async fn read(request: Request) -> Result<bytes::Bytes, Problem> {
    Ok(read_up_to(MAX_BODY, request).await?)
}

/// Reads a body of at most so many bytes, in time.
pub(super) async fn read_up_to(limit: usize, request: Request) -> Result<bytes::Bytes, Unread> {
    let patience = request.extensions().get::<Limits>().copied().unwrap_or_default().body;
    match tokio::time::timeout(patience, axum::body::to_bytes(request.into_body(), limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Unread::TooLarge(limit)),
        Err(_) => Err(Unread::TooSlow),
    }
}

/// serde's words name our fields and the kind of what was sent. A field's name is quoted, so it is bounded here; a text
/// that was sent as a value may be a secret in the wrong place and is left out.
fn explain(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => {
            let words = without_values(&error.to_string());
            let words: String = words.chars().filter(|c| !c.is_control()).take(200).collect();
            format!("The JSON does not fit: {words}.")
        }
        _ => format!("The body is not JSON ({place})."),
    }
}

/// Takes out what serde quotes of a value, up to its own last words about what it expected.
fn without_values(words: &str) -> String {
    for (begin, end) in [("string \"", "\", expected "), ("unknown variant `", "`, expected ")] {
        if let (Some(from), Some(to)) = (words.find(begin), words.rfind(end)) {
            let kind = begin.trim_end_matches(['"', '`', ' ']);
            return format!("{}{kind}{}", &words[..from], &words[to + 1..]);
        }
    }
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Card,
    }

    fn words_for<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
        explain(&serde_json::from_str::<T>(text).unwrap_err())
    }

    #[test]
    fn what_was_sent_is_not_repeated() {
        for text in [r#""CANARY""#, r#""CANARY\", expected ""#, r#""string \"CANARY""#] {
            let words = words_for::<u64>(text);
            assert!(!words.contains("CANARY") && words.contains("string, expected u64"), "{words}");
            let words = words_for::<Word>(text);
            assert!(!words.contains("CANARY") && words.contains("unknown variant, expected `card`"), "{words}");
        }
        assert_eq!(
            words_for::<u64>("-1"),
            "The JSON does not fit: invalid value: integer `-1`, expected u64 at line 1 column 2."
        );
    }
}
