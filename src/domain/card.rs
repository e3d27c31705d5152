//! What a person sees in the chat: one message per auth session, whose face changes with the session's state.
//!
//! A card carries facts, never words: each platform renders it, with the words of [`crate::domain::wording`].

use crate::domain::clock::Timestamp;
use crate::domain::ids::{AuthSessionId, MessageId};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;

/// One face of the message.
#[derive(Debug, Clone)]
pub enum Card {
    /// Somebody asks; the person may authorize or reject.
    Ask(AskCard),
    /// The person granted.
    Granted(EndCard),
    /// The person refused.
    Rejected(EndCard),
    /// The time was up.
    Expired(EndCard),
    /// Somebody else consented; nothing was kept.
    Mismatched(EndCard),
    /// It could not be done.
    Failed(EndCard),
    /// The question was withdrawn.
    Cancelled(EndCard),
}

/// The face that asks.
#[derive(Debug, Clone)]
pub struct AskCard {
    /// What the buttons carry back to us.
    pub auth_session: AuthSessionId,
    /// The services that ask, by name.
    pub requesters: Vec<String>,
    /// What they say they need it for.
    pub reason: Option<String>,
    /// The permissions asked for.
    pub scopes: ScopeSet,
    /// Until when the question stands.
    pub expires_at: Timestamp,
    /// Where Authorize leads. It carries a single-use secret: never log it.
    pub link: Secret,
    /// How the code comes back.
    pub code_way: CodeWay,
    /// Whether an earlier attempt did not work and the person is asked to try once more.
    pub again: bool,
}

/// How the authorization comes back to us; chosen per app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeWay {
    /// By the browser's redirect to our callback.
    Redirect,
    /// By asking the platform (RFC 8628); the person may be shown this code to compare.
    Device {
        /// The code that the device page shows or asks for.
        user_code: String,
    },
    /// By the person, who pastes it into the card.
    Paste,
}

/// The faces after the end.
#[derive(Debug, Clone)]
pub struct EndCard {
    /// The services that asked.
    pub requesters: Vec<String>,
    /// What was asked for.
    pub scopes: ScopeSet,
    /// What of it was not granted (only on [`Card::Granted`]).
    pub missing: ScopeSet,
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardRef(pub MessageId);

/// A short message to who tapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toast {
    /// The page is opening; go on there.
    Continue,
    /// The refusal was noted.
    Rejected,
    /// The code was taken and is being checked.
    CodeTaken,
    /// The code is not one.
    CodeUnusable,
    /// The card is not for the person who tapped.
    NotForYou,
    /// The question is over: granted.
    AlreadyGranted,
    /// The question is over: refused, expired, cancelled or failed.
    AlreadyOver,
    /// We do not know this card.
    UnknownCard,
}
