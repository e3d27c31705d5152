//! What a body is, before it is read as an event.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::platform::Unwelcome;
use crate::platform::button::Text;

/// What a body is.
#[derive(Debug)]
pub(super) enum Letter<'a> {
    /// The question whether the address is ours.
    Challenge {
        /// To be sent back.
        challenge: Cow<'a, str>,
        /// The verification token.
        token: Cow<'a, str>,
    },
    /// An event, in either envelope.
    Event {
        /// The verification token.
        token: Option<Cow<'a, str>>,
    },
    /// A card tap in the form before the envelopes. What it calls `token` is the card's.
    OldTap,
}

#[derive(Deserialize)]
struct Outside<'a> {
    #[serde(borrow)]
    header: Option<Head<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    challenge: Option<Text<'a>>,
    #[serde(borrow)]
    token: Option<Text<'a>>,
    open_message_id: Option<IgnoredAny>,
    action: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    token: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Sealed<'a> {
    #[serde(borrow)]
    encrypt: Option<Text<'a>>,
}

/// The sealed text in a body, if it is not open JSON.
pub(super) fn sealed(body: &[u8]) -> Result<Option<Cow<'_, str>>, Unwelcome> {
    let sealed: Sealed<'_> = serde_json::from_slice(body).map_err(|_| Unwelcome::Unreadable)?;
    Ok(sealed.encrypt.map(|text| text.0))
}

impl<'a> Letter<'a> {
    /// Looks at an opened body; `None` if it is nothing that the platform posts.
    pub(super) fn read(opened: &'a [u8]) -> Option<Self> {
        let outside: Outside<'a> = serde_json::from_slice(opened).ok()?;
        let token = outside.token.map(|text| text.0);
        if let Some(header) = outside.header {
            return Some(Self::Event { token: header.token.map(|text| text.0) });
        }
        match outside.kind.as_ref().map(|kind| &*kind.0) {
            Some("url_verification") => {
                Some(Self::Challenge { challenge: outside.challenge?.0, token: token.unwrap_or_default() })
            }
            Some(_) => Some(Self::Event { token }),
            None => outside.action.and(outside.open_message_id).map(|_| Self::OldTap),
        }
    }
}
