//! The one table of the platform's error codes: what each means for who called.
//!
//! The platform answers a refusal with HTTP 4xx or 5xx and a code (OAuth) or with HTTP 200 and a code (everything
//! else); the code decides, wherever it is known. What is not in the table is a plain refusal when the platform
//! understood us (2xx, 4xx), and unclear when it broke (5xx): see [`super::reply`].

#![expect(clippy::unreadable_literal, reason = "codes are written as the platform writes them, so that they are found")]

use crate::platform::{PlatformCode, PlatformError};

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The app's owner has to act.
    Misconfigured,
    /// The app's own token is not taken: a new one may help, once.
    StaleAppToken,
    /// This request is refused, and repeating it does not help.
    Rejected,
    /// The person's authorization, or the person, is gone.
    Revoked,
    /// The receiver of a message cannot be reached.
    Unreachable,
    /// A receiver's id is not one; the code is also used for other faults, so the message has to name the receiver.
    UnreachableIfNamed,
    /// Wait.
    RateLimited,
    /// Later; nothing was done.
    Unavailable,
    /// It broke, possibly after acting.
    Unclear,
}

use Meaning::{
    Misconfigured, RateLimited, Rejected, Revoked, StaleAppToken, Unavailable, Unclear, Unreachable, UnreachableIfNamed,
};

/// Code, meaning, and what the platform says about it.
pub(super) const TABLE: &[(i64, Meaning, &str)] = &[
    // App and tenant tokens.
    (10003, Misconfigured, "invalid parameter: the app id is not one"),
    (10014, Misconfigured, "wrong app secret"),
    (10015, Misconfigured, "wrong app secret"),
    // Token endpoint.
    (20001, Rejected, "a parameter is missing"),
    (20002, Misconfigured, "wrong client secret"),
    (20003, Rejected, "the code is unknown"),
    (20004, Rejected, "the code has expired"),
    (20008, Revoked, "the person does not exist"),
    (20009, Misconfigured, "the app is not installed"),
    (20010, Rejected, "the person may not use the app"),
    (20024, Misconfigured, "the code or refresh token belongs to another app"),
    (20026, Revoked, "the refresh token is invalid"),
    (20027, Misconfigured, "the app does not have a scope that it asks for"),
    (20029, Misconfigured, "the redirect URI is not registered"),
    (20036, Misconfigured, "the grant type is not supported"),
    (20037, Revoked, "the refresh token has expired"),
    (20048, Misconfigured, "the app does not exist"),
    (20049, Rejected, "the PKCE verifier does not fit"),
    (20050, Unclear, "server error"),
    (20063, Rejected, "a parameter is malformed"),
    (20064, Revoked, "the refresh token was revoked"),
    (20065, Rejected, "the code was used"),
    (20066, Revoked, "the person has left or is frozen"),
    (20067, Rejected, "a scope is there twice"),
    (20068, Rejected, "a scope is beyond the grant"),
    (20069, Misconfigured, "the app is not enabled"),
    (20070, Misconfigured, "the app authenticates in two ways at once"),
    (20071, Misconfigured, "the redirect URI differs from the authorize request's"),
    (20072, Unavailable, "temporarily unavailable"),
    (20073, Revoked, "the refresh token was used"),
    (20074, Misconfigured, "the app may not refresh"),
    // Who the token is of.
    (20005, Revoked, "the access token is invalid"),
    (20021, Revoked, "the person has left"),
    (20022, Revoked, "the person is frozen"),
    (20023, Revoked, "the person is not registered"),
    // Messages.
    (230001, UnreachableIfNamed, "a parameter is invalid"),
    (230002, Unreachable, "the bot is not in the chat"),
    (230006, Unreachable, "the bot is switched off"),
    (230011, Rejected, "the message was recalled"),
    (230013, Unreachable, "the person is outside the app's availability, disabled, or has left"),
    (230020, RateLimited, "too many messages"),
    (230022, Rejected, "the content is not allowed"),
    (230025, Rejected, "the content is too long"),
    (230027, Unreachable, "no permission to write to this person"),
    (230028, Rejected, "the content is held back by the organisation"),
    (230031, Rejected, "the message is older than 14 days"),
    (230054, Rejected, "this kind of message cannot be changed so"),
    (230099, Rejected, "the card is not accepted"),
    (230110, Rejected, "the message was deleted"),
    (231003, Rejected, "the message was deleted"),
    (232009, Rejected, "the chat was dissolved"),
    (200310, Rejected, "the card is not ours"),
    (11232, RateLimited, "busy"),
    // The gateway in front of all interfaces.
    (99991400, RateLimited, "too many requests"),
    (99991543, Misconfigured, "wrong app id or secret"),
    (99991661, Rejected, "no token"),
    (99991662, Misconfigured, "the app is not in use"),
    (99991663, StaleAppToken, "the tenant token is invalid"),
    (99991664, StaleAppToken, "the app token is invalid"),
    (99991668, Revoked, "the user token is invalid"),
    (99991671, Rejected, "the token is malformed"),
    (99991672, Misconfigured, "the app lacks a scope"),
    (99991673, Misconfigured, "the app's status does not allow this"),
    (99991676, Rejected, "the token lacks a scope"),
    (99991677, Revoked, "the user token has expired"),
    (99991679, Rejected, "the person has not granted a scope"),
    (99992351, Unreachable, "the receiver's id is not one"),
    (99992361, Unreachable, "the receiver's id belongs to another app"),
    (99992402, UnreachableIfNamed, "a field is invalid"),
];

/// The table's word on a code.
pub(super) fn meaning(code: i64) -> Option<Meaning> {
    TABLE.iter().find(|(known, ..)| *known == code).map(|(_, meaning, _)| *meaning)
}

/// What to call the refusals of RFC 6749 §5.2 and RFC 8628 §3.5 when no code comes with them.
pub(super) fn meaning_of_name(name: &str) -> Meaning {
    match name {
        "invalid_client" | "unauthorized_client" | "unsupported_grant_type" => Misconfigured,
        "temporarily_unavailable" => Unavailable,
        "server_error" => Unclear,
        _ => Rejected,
    }
}

impl Meaning {
    /// The error for callers outside this folder. `wait` is what the platform asks for when it limits our rate.
    pub(super) const fn error(self, code: PlatformCode, wait: std::time::Duration) -> PlatformError {
        match self {
            Misconfigured | StaleAppToken => PlatformError::Misconfigured { code },
            Rejected | Unreachable | UnreachableIfNamed => PlatformError::Rejected { code },
            Revoked => PlatformError::Revoked { code },
            RateLimited => PlatformError::RateLimited { after: wait },
            Unavailable => PlatformError::Unavailable,
            Unclear => PlatformError::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_code_is_listed_twice() {
        let codes: BTreeSet<i64> = TABLE.iter().map(|(code, ..)| *code).collect();
        assert_eq!(codes.len(), TABLE.len());
    }

    /// The table once more, by what is to be done: a code that changes its meaning has to be changed here as well.
    #[test]
    fn codes_mean_what_must_be_done() {
        let wait = Duration::from_secs(3);
        for (codes, expected) in [
            (
                &[
                    10003, 10014, 10015, 20002, 20009, 20024, 20027, 20029, 20036, 20048, 20069, 20070, 20071, 20074,
                    99991543, 99991662, 99991663, 99991664, 99991672, 99991673,
                ][..],
                PlatformError::Misconfigured { code: PlatformCode::NONE },
            ),
            (
                &[20001, 20003, 20004, 20010, 20049, 20063, 20065, 20067, 20068, 230013, 230099, 99991679],
                PlatformError::Rejected { code: PlatformCode::NONE },
            ),
            (
                &[20005, 20008, 20021, 20022, 20023, 20026, 20037, 20064, 20066, 20073, 99991668, 99991677],
                PlatformError::Revoked { code: PlatformCode::NONE },
            ),
            (&[20050], PlatformError::Unclear),
            (&[20072], PlatformError::Unavailable),
            (&[230020, 11232, 99991400], PlatformError::RateLimited { after: wait }),
        ] {
            for code in codes {
                let error = meaning(*code).map(|meaning| meaning.error(PlatformCode::NONE, wait));
                assert_eq!(error, Some(expected.clone()), "{code}");
            }
        }
    }

    #[test]
    fn an_unknown_code_has_no_meaning() {
        assert_eq!(meaning(-1), None);
        assert_eq!(meaning(0), None);
    }
}
