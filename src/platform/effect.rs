//! What it means that a call brought no usable answer: it depends on what the call does.

use crate::platform::PlatformError;
use crate::platform::client::NoAnswer;

/// What a call does, besides being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It spends something, or leaves something behind.
    Acts,
    /// It can be repeated without harm.
    Harmless,
}

impl Effect {
    /// The request was sent, and no answer came that can be used.
    #[must_use]
    pub const fn without_answer(self) -> PlatformError {
        match self {
            Self::Acts => PlatformError::Unclear,
            Self::Harmless => PlatformError::Unavailable,
        }
    }

    /// The call was not answered.
    #[must_use]
    pub const fn unanswered(self, how: NoAnswer) -> PlatformError {
        match how {
            NoAnswer::NotSent => PlatformError::Unavailable,
            NoAnswer::Unclear => self.without_answer(),
        }
    }
}
