//! A hint as it goes over the channel: `ORIGIN KIND ID`, in words. What is not understood is no hint: the others may be of
//! another version, and whoever can write into the channel can at most make somebody look.

use crate::domain::auth_session::AuthSessionId;
use crate::domain::hint::Hint;
use crate::domain::ids::GrantId;

/// The channel. Deployments that share a server share it: an id that nobody knows wakes nobody.
pub(super) const CHANNEL: &str = "cardkey:hints:1";

/// How many characters an origin has.
pub(super) const ORIGIN: usize = 12;

/// Longer than any hint.
const LONGEST: usize = 256;

const GRANT: &str = "grant";
const SESSION: &str = "session";

pub(super) fn write(hint: &Hint, origin: &str) -> String {
    match hint {
        Hint::Grant(id) => format!("{origin} {GRANT} {}", id.as_str()),
        Hint::Session(id) => format!("{origin} {SESSION} {}", id.as_str()),
    }
}

/// What another process tells.
pub(super) fn read(payload: &[u8], own: &str) -> Option<Hint> {
    let text = std::str::from_utf8(payload).ok().filter(|text| text.len() <= LONGEST)?;
    let mut words = text.split(' ');
    let (origin, kind, id) = (words.next()?, words.next()?, words.next()?);
    if origin == own || words.next().is_some() {
        return None;
    }
    match kind {
        GRANT => GrantId::parse(id).ok().map(Hint::Grant),
        SESSION => AuthSessionId::parse(id).ok().map(Hint::Session),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_read_what_was_written_and_oneself_does_not() {
        let (grant, session) = (GrantId::parse("g-1").unwrap(), AuthSessionId::parse("s-1").unwrap());
        for hint in [Hint::Grant(grant), Hint::Session(session)] {
            let written = write(&hint, "me");
            assert_eq!(read(written.as_bytes(), "you"), Some(hint));
            assert_eq!(read(written.as_bytes(), "me"), None);
        }
    }

    #[test]
    fn what_is_not_understood_is_no_hint() {
        let long = format!("o grant {}", "g".repeat(300));
        for payload in ["", "o", "o grant", "o grant ", "o grant a b", "o person p", "o GRANT g", "grant g", &long] {
            assert_eq!(read(payload.as_bytes(), "me"), None, "{payload:?}");
        }
        assert_eq!(read(b"o grant \xff", "me"), None);
    }
}
