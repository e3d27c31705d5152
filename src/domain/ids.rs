//! Identifiers, each with its own type, so that a message id never lands where a person's id belongs.
//!
//! Ids that come from outside are opaque: printable ASCII without blanks, at most [`MAX_ID_BYTES`]. They are compared
//! byte for byte, which every database we use does alike for this alphabet.

use std::fmt;
use std::sync::Arc;

use crate::domain::clock::Timestamp;
use crate::domain::random::Random;

/// The longest identifier accepted from outside, in bytes.
pub const MAX_ID_BYTES: usize = 128;

/// A string that is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_ID_BYTES} printable ASCII characters without blanks")]
pub struct InvalidId;

fn check(text: &str) -> Result<(), InvalidId> {
    let fits = (1..=MAX_ID_BYTES).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(()) } else { Err(InvalidId) }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text over, if it is an identifier.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check(text).map(|()| Self(Arc::from(text)))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The identifier as text that is shared, not copied.
            #[must_use]
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

text_id!(
    /// The opaque name of a platform, resolved by the registry in `app.rs`.
    PlatformId
);
text_id!(
    /// One registered bot application on a platform.
    AppId
);
text_id!(
    /// The platform's id for a person, as one app sees that person.
    SubjectId
);
text_id!(
    /// The platform's id for the organisation that a person belongs to.
    TenantKey
);
text_id!(
    /// The platform's id for a person over all apps of one owner.
    UnionId
);
text_id!(
    /// The platform's id of one pushed event; the same on each redelivery.
    EventId
);
text_id!(
    /// The platform's id of a sent message, which is how a card is found again.
    MessageId
);
text_id!(
    /// Our id of one auth session (a UUID version 7).
    AuthSessionId
);
text_id!(
    /// Our id of a grant, stable over refreshes and new consents (a UUID version 7).
    GrantId
);
text_id!(
    /// Our id of one try to refresh a grant (a UUID version 7).
    AttemptId
);
text_id!(
    /// The public half of an API key: 12 lower-case hex digits.
    ApiKeyId
);

impl AuthSessionId {
    /// A new id: sortable by time, 74 random bits.
    #[must_use]
    pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
        Self(Arc::from(uuid_v7(now, random).as_str()))
    }
}

impl AttemptId {
    /// A new id: sortable by time, 74 random bits.
    #[must_use]
    pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
        Self(Arc::from(uuid_v7(now, random).as_str()))
    }
}

impl GrantId {
    /// A new id: sortable by time, 74 random bits.
    #[must_use]
    pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
        Self(Arc::from(uuid_v7(now, random).as_str()))
    }
}

impl ApiKeyId {
    /// A new id: 48 random bits as hex.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0_u8; 6];
        random.fill(&mut bytes);
        Self(Arc::from(hex::encode(bytes).as_str()))
    }
}

fn uuid_v7(now: Timestamp, random: &dyn Random) -> String {
    let mut bytes = [0_u8; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().to_string()
}

/// One person as one app sees them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// The app that talks to the person.
    pub app: AppId,
    /// The platform's id for the person under that app.
    pub id: SubjectId,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.app, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_an_identifier() {
        for bad in ["", " ", "a b", "a\n", "ü", "a\u{0}", &"x".repeat(MAX_ID_BYTES + 1)] {
            assert_eq!(SubjectId::parse(bad), Err(InvalidId), "{bad:?}");
        }
        assert!(SubjectId::parse("ou_84aad35d084aa403a838cf73ee18467").is_ok());
    }
}
