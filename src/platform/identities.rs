//! The contract of a platform on which people log in by a code that their client is given: the code in, who it is out.
//!
//! A login gives the app a session key with the person. It never leaves the gateway; it opens and proves what the person's
//! client hands over.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::PlatformError;
use crate::domain::clock::Timestamp;
use crate::domain::identity::PhoneNumber;
use crate::domain::ids::{SubjectId, UnionId};
use crate::domain::secret::Secret;

/// Whom a code stands for.
#[derive(Debug)]
pub struct LoggedIn {
    /// The person, as the app sees them.
    pub subject: SubjectId,
    /// The person over all apps of the app's owner.
    pub union: Option<UnionId>,
    /// The app's key with the person. The one before is good for what was made before.
    pub session: Secret,
}

/// Why a code names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// It is unknown, over, another app's, or was used.
    #[error("the code is not valid")]
    Code(BadCode),
    /// The platform does not let this person log in.
    #[error("the platform blocks this person's logins")]
    Blocked,
    /// This person logs in too often.
    #[error("the platform limits this person's logins")]
    TooOften {
        /// Wait so long.
        after: Duration,
    },
    /// Anything else.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

/// What is wrong with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadCode {
    /// The platform does not know it (any more).
    Unknown,
    /// It was used before: by a client that repeats itself, or by somebody else.
    Used,
}

/// What a person's client was given encrypted for the app.
pub struct Sealed<'a> {
    /// The data.
    pub data: &'a str,
    /// What it was begun with.
    pub iv: &'a str,
}

/// What a person's client was given to read, with its signature.
pub struct Signed<'a> {
    /// The text, byte for byte.
    pub text: &'a str,
    /// The signature.
    pub signature: &'a str,
}

/// Data that are not what they are said to be. Why, nobody is told: it would help only who forges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the data are not genuine")]
pub struct NotGenuine;

/// A picture that leads to a page of the app.
pub struct ShareCode<'a> {
    /// What the page is told: at most 32 characters.
    pub scene: &'a str,
    /// The page; the app's first one if there is none.
    pub page: Option<&'a str>,
    /// The width in pixels.
    pub width: Option<u32>,
}

/// An image as the platform made it.
#[derive(Debug)]
pub struct Picture {
    /// `image/…`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Logins of one app.
#[async_trait]
pub trait Identities: Send + Sync {
    /// Spends a login code.
    async fn log_in(&self, code: &Secret) -> Result<LoggedIn, LoginError>;

    /// Opens what was encrypted with a session key for this person, if it was made lately.
    fn open(
        &self,
        sealed: &Sealed<'_>,
        session: &Secret,
        subject: &SubjectId,
        now: Timestamp,
    ) -> Result<Map<String, Value>, NotGenuine>;

    /// Reads what was signed with a session key.
    fn read(&self, signed: &Signed<'_>, session: &Secret) -> Result<Map<String, Value>, NotGenuine>;

    /// Spends a code that stands for this person's phone number.
    async fn phone_number(&self, code: &Secret, subject: &SubjectId) -> Result<PhoneNumber, LoginError>;

    /// Whether this is the person's session key by now.
    async fn is_session(&self, subject: &SubjectId, session: &Secret) -> Result<bool, PlatformError>;

    /// Gets the person another session key for theirs; `None` if theirs is another one.
    async fn renew_session(&self, subject: &SubjectId, session: &Secret) -> Result<Option<Secret>, PlatformError>;

    /// Draws a picture that leads to a page of the app.
    async fn share_code(&self, wanted: &ShareCode<'_>) -> Result<Picture, PlatformError>;
}
