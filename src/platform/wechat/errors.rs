//! The one table of the platform's error codes: what each means for who called.
//!
//! A refusal is HTTP 200 with an `errcode`; its text ends in an id of the request, so only the number is looked at.

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The code is unknown, over, or another app's.
    UnknownCode,
    /// The code was used.
    UsedCode,
    /// The person may not log in.
    Blocked,
    /// The session key is not the person's.
    AnotherSession,
    /// The app's own token is not taken: a new one may help, once.
    StaleAppToken,
    /// The app's owner has to act.
    Misconfigured,
    /// This request is refused, and repeating it does not help.
    Rejected,
    /// Wait a minute.
    PerMinute,
    /// Wait: a day's quota is used up.
    PerDay,
    /// Later; nothing was done.
    Unavailable,
}

use Meaning::{
    AnotherSession, Blocked, Misconfigured, PerDay, PerMinute, Rejected, StaleAppToken, Unavailable, UnknownCode,
    UsedCode,
};

/// Code, meaning, and what the platform says about it.
pub(super) const TABLE: &[(i64, Meaning, &str)] = &[
    (-1, Unavailable, "the system is busy"),
    (40001, StaleAppToken, "the app's token is invalid or not the latest"),
    (40002, Rejected, "wrong grant type"),
    (40013, Misconfigured, "wrong app id"),
    (40014, StaleAppToken, "the app's token is malformed"),
    (40029, UnknownCode, "the code is invalid"),
    (40066, Rejected, "there is no such address"),
    (40097, Rejected, "wrong arguments"),
    (40125, Misconfigured, "wrong app secret"),
    (40129, Rejected, "the scene has characters that are not allowed"),
    (40159, Rejected, "the path is too long"),
    (40163, UsedCode, "the code was used"),
    (40164, Misconfigured, "our address is not on the app's list"),
    (40169, Rejected, "the scene is too long"),
    (40189, Rejected, "wrong width"),
    (40226, Blocked, "the person is a high risk"),
    (40243, Misconfigured, "the app's secret is frozen"),
    (41002, Rejected, "the app id is missing"),
    (41004, Rejected, "the app's secret is missing"),
    (41008, Rejected, "the code is missing"),
    (41030, Rejected, "the app has no such page"),
    (42001, StaleAppToken, "the app's token has expired"),
    (43002, Rejected, "POST is demanded"),
    (45009, PerDay, "the quota is used up"),
    (45011, PerMinute, "too often within a minute"),
    (45029, Misconfigured, "all codes of the app are used up"),
    (48001, Misconfigured, "the app may not use this interface"),
    (50004, Misconfigured, "the app may not use this interface"),
    (50007, Misconfigured, "the app's account is frozen"),
    (61004, Misconfigured, "our address is not on the list"),
    (61007, Misconfigured, "the app has not given this permission"),
    (87008, Rejected, "wrong kind of signature"),
    (87009, AnotherSession, "wrong signature"),
    (89501, Misconfigured, "our address waits for its administrator's word"),
    (89503, Misconfigured, "our address has to be confirmed by the administrator"),
    (89506, Misconfigured, "our address was refused by the administrator"),
    (89507, Misconfigured, "our address was refused by the administrator"),
];

/// The table's word on a code.
pub(super) fn meaning(code: i64) -> Option<Meaning> {
    TABLE.iter().find(|(known, ..)| *known == code).map(|(_, meaning, _)| *meaning)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_there_once() {
        let codes: BTreeSet<i64> = TABLE.iter().map(|(code, ..)| *code).collect();
        assert_eq!(codes.len(), TABLE.len());
        assert!(codes.iter().all(|code| meaning(*code).is_some()));
        assert_eq!((meaning(0), meaning(1)), (None, None));
    }
}
