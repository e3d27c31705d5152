//! The one table of the platform's error codes: what each means for who called.
//!
//! A code decides and the status does not: throttling is 403 here, as are things that somebody has to change, and a dead
//! token is 400. The same code is said of a dead token of the app and of a person's, of a spent authorization code and of a
//! spent refresh token: who called knows which it was ([`Meaning::error`]). What is not in the table is a plain refusal when
//! the platform understood us (2xx, 4xx), and unclear when it broke (5xx): see [`super::reply`].

use std::time::Duration;

use crate::platform::{PlatformCode, PlatformError};

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The app's owner has to act.
    Misconfigured,
    /// The token that the call was made with is not taken.
    DeadToken,
    /// The code or refresh token is used, expired or unknown.
    Spent,
    /// The app, or the person who had let it, does not let it do this.
    NotPermitted,
    /// This request is refused, and repeating it does not help.
    Rejected,
    /// The receiver of a card cannot be reached.
    Unreachable,
    /// A card of this name is there already: an earlier request was acted on.
    AlreadyThere,
    /// Wait.
    RateLimited,
    /// Wait for the next minute.
    RateLimitedByTheMinute,
    /// It broke, possibly after acting.
    Unclear,
}

use Meaning::{
    AlreadyThere, DeadToken, Misconfigured, NotPermitted, RateLimited, RateLimitedByTheMinute, Rejected, Spent,
    Unclear, Unreachable,
};

/// What a call is made with or spends; it decides what a dead one means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spends {
    /// The app's own token, or its secret.
    AppToken,
    /// A person's access token.
    UserToken,
    /// An authorization code.
    Code,
    /// A refresh token.
    RefreshToken,
}

/// How long to wait where calls are counted by the minute.
const MINUTE: Duration = Duration::from_mins(1);

/// Code, meaning, and what the platform says about it. Numbers are those of its old interfaces.
pub(super) const TABLE: &[(&str, Meaning, &str)] = &[
    // The app.
    ("invalidClientIdOrSecret", Misconfigured, "wrong client id or secret"),
    ("authFailed", Misconfigured, "wrong client id or secret"),
    ("40089", Misconfigured, "wrong client id or secret"),
    ("Forbidden.AccessDenied.IpNotInWhiteList", Misconfigured, "the address that we call from is not allowed"),
    ("60020", Misconfigured, "the address that we call from is not allowed"),
    ("Forbidden.AccessDenied.ApiCountLimitForOrg", Misconfigured, "the organisation's calls of this month are used up"),
    ("90020", Misconfigured, "the organisation's calls of this month are used up"),
    // Tokens.
    ("InvalidAuthentication", DeadToken, "the token is invalid or has expired"),
    ("invalidParameter.token.invalid", DeadToken, "the token is invalid"),
    ("token.notExisted", DeadToken, "there is no such token"),
    ("40014", DeadToken, "the token is invalid"),
    ("invalidParameter.authCode.notFound", Spent, "the code or refresh token is used, expired or unknown"),
    ("invalid_grant", Spent, "the code or refresh token is used, expired or unknown"),
    ("invalid_refresh_token", Spent, "the refresh token is invalid"),
    ("refresh_token_expired", Spent, "the refresh token has expired"),
    ("refresh_token_revoked", Spent, "the refresh token was revoked"),
    ("Forbidden.AccessDenied.AccessTokenPermissionDenied", NotPermitted, "a permission is missing or was taken back"),
    ("invalidParameter.grantType", Rejected, "the grant type is not one"),
    // Cards.
    ("param.cardTemplateIdEmpty", Misconfigured, "no template is named"),
    ("param.templateNotExist", Misconfigured, "there is no such template"),
    ("param.templateUnpublished", Misconfigured, "the template is not published"),
    ("param.openDeliverModelError", Misconfigured, "the robot is not the app's"),
    ("param.userIdEmpty", Unreachable, "nobody is named"),
    ("param.userIdNotExist", Unreachable, "there is no such person"),
    ("param.cardAlreadyExist", AlreadyThere, "there is a card of this name"),
    ("param.cardNotExist", Rejected, "there is no such card"),
    ("param.cardPublicDataEmpty", Rejected, "the card has no variables"),
    ("param.contentUnsafe", Rejected, "the content is not allowed"),
    ("param.empty", Rejected, "the request is empty"),
    ("param.invalid", Rejected, "a parameter is invalid"),
    ("param.openDeliverModelEmpty", Rejected, "it is not said how to deliver"),
    ("param.openSpaceIdEmpty", Rejected, "it is not said where to deliver"),
    ("param.openSpaceIdInvalid", Rejected, "the place to deliver to is not one"),
    ("param.openSpaceModelInvalid", Rejected, "the place to deliver to is described wrongly"),
    ("param.outTrackIdEmpty", Rejected, "the card has no name"),
    ("system.busy", Unclear, "busy"),
    // The gateway in front of all interfaces.
    ("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", RateLimited, "too many calls in a second"),
    ("Forbidden.AccessDenied.QpsLimitForApi", RateLimited, "too many calls in a second, all apps together"),
    ("Forbidden.AccessDenied.QpmLimitForAppkeyAndApi", RateLimitedByTheMinute, "too many calls in a minute"),
    ("90018", RateLimited, "too many calls in a second"),
    ("90002", RateLimited, "too many calls in a second, all apps together"),
    ("130101", RateLimited, "the robot sends too fast"),
];

/// The table's word on a code.
pub(super) fn meaning(code: PlatformCode) -> Option<Meaning> {
    TABLE.iter().find(|(known, ..)| *known == code.as_str()).map(|(_, meaning, _)| *meaning)
}

impl Meaning {
    /// The error for callers outside this folder; `wait` is for as long as the platform does not say.
    pub(super) fn error(self, spends: Spends, code: PlatformCode, wait: Duration) -> PlatformError {
        match (self, spends) {
            (Misconfigured, _) | (DeadToken | NotPermitted, Spends::AppToken) => PlatformError::Misconfigured { code },
            (DeadToken, Spends::UserToken) | (Spent | NotPermitted, Spends::RefreshToken) => {
                PlatformError::Revoked { code }
            }
            (RateLimited, _) => PlatformError::RateLimited { after: wait },
            (RateLimitedByTheMinute, _) => PlatformError::RateLimited { after: MINUTE },
            (Unclear, _) => PlatformError::Unclear,
            (Rejected | Unreachable | AlreadyThere | Spent | NotPermitted | DeadToken, _) => {
                PlatformError::Rejected { code }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const WAIT: Duration = Duration::from_secs(3);

    fn error(code: &str, spends: Spends) -> Option<PlatformError> {
        let code = PlatformCode::clean(code);
        meaning(code).map(|meaning| meaning.error(spends, code, WAIT))
    }

    #[test]
    fn no_code_is_there_twice_or_too_long_to_be_found() {
        let codes: BTreeSet<&str> = TABLE.iter().map(|(code, ..)| *code).collect();
        assert_eq!(codes.len(), TABLE.len());
        assert!(codes.iter().all(|code| PlatformCode::clean(code).as_str() == *code));
    }

    /// Row by row, as it was read in the platform's documents: what a code means is not to change by accident.
    #[test]
    fn every_code_means_what_the_documents_say() {
        let code = PlatformCode::clean;
        let misconfigured = |text| PlatformError::Misconfigured { code: code(text) };
        let rejected = |text| PlatformError::Rejected { code: code(text) };
        let revoked = |text| PlatformError::Revoked { code: code(text) };
        let mut seen = 0;
        for (text, meaning, _) in TABLE {
            let of_each = [Spends::AppToken, Spends::UserToken, Spends::Code, Spends::RefreshToken]
                .map(|spends| error(text, spends).unwrap());
            let expected = match *text {
                "invalidClientIdOrSecret"
                | "authFailed"
                | "40089"
                | "60020"
                | "90020"
                | "Forbidden.AccessDenied.IpNotInWhiteList"
                | "Forbidden.AccessDenied.ApiCountLimitForOrg"
                | "param.cardTemplateIdEmpty"
                | "param.templateNotExist"
                | "param.templateUnpublished"
                | "param.openDeliverModelError" => {
                    [misconfigured(text), misconfigured(text), misconfigured(text), misconfigured(text)]
                }
                "InvalidAuthentication" | "invalidParameter.token.invalid" | "token.notExisted" | "40014" => {
                    [misconfigured(text), revoked(text), rejected(text), rejected(text)]
                }
                "invalidParameter.authCode.notFound"
                | "invalid_grant"
                | "invalid_refresh_token"
                | "refresh_token_expired"
                | "refresh_token_revoked" => [rejected(text), rejected(text), rejected(text), revoked(text)],
                "Forbidden.AccessDenied.AccessTokenPermissionDenied" => {
                    [misconfigured(text), rejected(text), rejected(text), revoked(text)]
                }
                "system.busy" => std::array::from_fn(|_| PlatformError::Unclear),
                "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi" => {
                    std::array::from_fn(|_| PlatformError::RateLimited { after: MINUTE })
                }
                limited if limited.contains("QpsLimit") || ["90018", "90002", "130101"].contains(&limited) => {
                    std::array::from_fn(|_| PlatformError::RateLimited { after: WAIT })
                }
                other => {
                    assert!(
                        other.starts_with("param.") || other == "invalidParameter.grantType",
                        "{other}: {meaning:?}"
                    );
                    [rejected(text), rejected(text), rejected(text), rejected(text)]
                }
            };
            assert_eq!(of_each, expected, "{text}");
            seen += 1;
        }
        assert_eq!(seen, TABLE.len());
        assert_eq!(error("somethingNew", Spends::RefreshToken), None);
    }
}
