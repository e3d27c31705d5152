//! Events that a platform posts to our address: the alternative to the long connection.
//!
//! A [`Webhook`] is synchronous and does no I/O: headers and bytes in, a verified event out, with what answers it. It must
//! not know HTTP statuses; who refuses says why in a word that is a metric label. Nothing of what came is logged: it can
//! hold an authorization code.

use bytes::Bytes;
use http::HeaderMap;

use crate::domain::event::{Event, Verdict};

/// Verifies and reads what is posted for one app.
pub trait Webhook: Send + Sync {
    /// Takes one request; `body` is exactly what came.
    fn receive(&self, headers: &HeaderMap, body: &[u8]) -> Result<Received, Unwelcome>;
}

/// Writes the body that answers an event, once it is safe with us. Dropped instead, it leaves things as if the request had
/// not come: the platform may send the very same one again.
pub type Answer = Box<dyn FnOnce(&Verdict) -> Bytes + Send>;

/// What an authentic request is.
pub enum Received {
    /// The platform asks whether the address is ours; this is what it wants to hear.
    Challenge(Bytes),
    /// To be handled, then answered.
    Event {
        /// The event.
        event: Box<Event>,
        /// Answers it.
        answer: Answer,
    },
    /// Of no use, and to be answered as accepted, since it would come again otherwise.
    Unwanted {
        /// Why, as a metric label.
        why: &'static str,
        /// Answers it.
        answer: Answer,
    },
}

/// Why a request is refused. Nothing came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwelcome {
    /// It is not signed.
    #[error("it is not signed")]
    Unsigned,
    /// Its signature is not that of these bytes under the app's key.
    #[error("its signature is wrong")]
    Signature,
    /// It was signed too long ago, or ahead of time.
    #[error("it was signed at another time")]
    Stale,
    /// The same request was taken before.
    #[error("it came before")]
    Replayed,
    /// It does not name the verification token that the app has.
    #[error("its verification token is wrong")]
    Token,
    /// It is signed for this app and is about another one.
    #[error("it is about another app")]
    WrongApp,
    /// It is authentic and cannot be read.
    #[error("it cannot be read")]
    Unreadable,
}

impl Unwelcome {
    /// The word for it: a metric label.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Signature => "signature",
            Self::Stale => "stale",
            Self::Replayed => "replayed",
            Self::Token => "token",
            Self::WrongApp => "wrong_app",
            Self::Unreadable => "unreadable",
        }
    }
}
