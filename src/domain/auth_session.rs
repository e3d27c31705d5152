//! An auth session: one ask of one subject for scopes.
//!
//! ```text
//! pending: Waiting ⇄ Exchanging ──> Completed
//!             │           ├──────> Mismatched
//!             │           └──────> Failed
//!             └─────────────────> Rejected | Expired | Cancelled | Failed
//! ```
//!
//! A state owns exactly its data and a transition consumes the session, so an ended session cannot be ended again and
//! a code cannot be exchanged for a session that waits for none. The store writes each transition by compare-and-set
//! on [`AuthSession::version`]; whoever loses the race reads again. Going back from `Exchanging` to `Waiting` is the
//! answer to a code that is spent and brought nothing: the person is asked again, at most [`MAX_ATTEMPTS`] times.

mod state;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest;

use crate::domain::clock::Timestamp;
use crate::domain::ids::{GrantId, MessageId, Subject, TenantKey};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;

pub use crate::domain::ids::AuthSessionId;
pub use state::{Completed, Exchanging, Failure, State, StateName};

/// How many codes one auth session may spend before it fails.
pub const MAX_ATTEMPTS: u32 = 3;

/// One ask.
#[derive(Debug, Clone)]
pub struct AuthSession {
    /// Our id; the caller's handle. Knowing it grants nothing.
    pub id: AuthSessionId,
    /// Who is asked.
    pub subject: Subject,
    /// The organisation the app belongs to, when it is known at the time of asking.
    pub tenant: Option<TenantKey>,
    /// What is asked for, all callers together.
    pub scopes: ScopeSet,
    /// Who asks: names of callers, in order of asking.
    pub requesters: Vec<String>,
    /// What for, in the first caller's words.
    pub reason: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When the person opened the link or tapped Authorize; from then on nothing is merged into it.
    pub opened_at: Option<Timestamp>,
    /// How the authorization comes back.
    pub way: Way,
    /// Codes and device codes that were spent and brought nothing.
    pub attempts: u32,
    /// The message in the chat.
    pub card: CardDelivery,
    /// When the card job has to look at it next: a send to repeat, or a face to change.
    pub card_due_at: Option<Timestamp>,
    /// When the platform last took away what the person had granted while it was open: whoever waited then was let go, and it
    /// stands.
    pub let_go_at: Option<Timestamp>,
    /// Where it stands.
    pub state: State,
    /// Counts stored transitions; the compare-and-set key.
    pub version: i64,
}

/// How the authorization comes back, with what has to be kept for it.
#[derive(Debug, Clone)]
pub enum Way {
    /// By redirect to our callback; flows are kept beside the session, one per opened link.
    Redirect,
    /// By polling the token endpoint.
    Device(DeviceFlow),
    /// By a code pasted into the card; one `state` and one verifier for the whole session.
    Paste(PasteFlow),
}

/// What RFC 8628 §3.2 hands out.
#[derive(Debug, Clone)]
pub struct DeviceFlow {
    /// What we poll with.
    pub device_code: Secret,
    /// What the person compares or types.
    pub user_code: String,
    /// Where the person goes, with the user code in it.
    pub verification_uri: Secret,
    /// Seconds between two polls.
    pub interval_secs: u32,
    /// When the next poll is due.
    pub next_poll_at: Timestamp,
}

/// One `state` and one PKCE verifier.
#[derive(Debug, Clone)]
pub struct PasteFlow {
    /// The `state` of the authorize URL.
    pub state: Secret,
    /// The PKCE verifier (RFC 7636).
    pub verifier: Secret,
}

/// Where the message in the chat stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardDelivery {
    /// Nobody wants one (`notify` is `link` or `none`).
    None,
    /// The send with this number is decided, its outcome unknown; repeated with the same message uuid.
    Sending {
        /// Which send this is, from 1; part of the message uuid.
        send_no: u32,
    },
    /// It is in the chat.
    Sent {
        /// The platform's id of the message.
        message: MessageId,
        /// The face that it shows, as [`AuthSession::face`] names it.
        shown: String,
    },
}

/// The transition is not one that this state has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an auth session that is {from} cannot become {to}")]
pub struct InvalidTransition {
    /// Where it stands.
    pub from: &'static str,
    /// Where it was to go.
    pub to: &'static str,
}

impl AuthSession {
    /// The name of the face that its card should show: changes whenever the card has to be drawn anew.
    #[must_use]
    pub fn face(&self) -> String {
        match self.state.name() {
            StateName::Pending => format!("ask:{}:{}", self.attempts, self.question()),
            ended => ended.as_str().to_owned(),
        }
    }

    /// A digest of who asks for what. The landing page hands it out and takes it back, so nobody may be able to make
    /// another question of the same name.
    fn question(&self) -> String {
        let mut digest = digest::Context::new(&digest::SHA256);
        // Numbers first, so that lists which run together to the same text differ.
        digest.update(&self.requesters.len().to_be_bytes());
        for text in self.requesters.iter().map(String::as_str).chain(self.scopes.iter()) {
            digest.update(&text.len().to_be_bytes());
            digest.update(text.as_bytes());
        }
        hex::encode(&digest.finish().as_ref()[..16])
    }

    /// Whether it is still open.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        matches!(self.state.name(), StateName::Pending)
    }

    /// Whether its time is up.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// Whether scopes asked now can still join it.
    #[must_use]
    pub const fn takes_more_scopes(&self) -> bool {
        matches!(self.state, State::Waiting) && self.opened_at.is_none()
    }

    /// Adds a caller and what it asks for. Names are kept once; scopes join only while the person has not opened it.
    #[must_use]
    pub fn joined_by(mut self, requester: &str, scopes: &ScopeSet) -> Self {
        if !self.requesters.iter().any(|known| known == requester) {
            self.requesters.push(requester.to_owned());
        }
        if self.takes_more_scopes() {
            self.scopes = self.scopes.union(scopes);
        }
        self
    }

    /// The person opened the link or tapped Authorize.
    #[must_use]
    pub fn opened(mut self, now: Timestamp) -> Self {
        self.opened_at = self.opened_at.or(Some(now));
        self
    }

    /// Takes a code. Refused when the session is over, exchanging already, or out of time.
    pub fn exchanging(self, code: Secret, verifier: Secret, now: Timestamp) -> Result<Self, InvalidTransition> {
        if self.is_overdue(now) {
            return Err(self.invalid("exchanging"));
        }
        match self.state {
            State::Waiting => Ok(Self { state: State::Exchanging(Exchanging { code, verifier, since: now }), ..self }),
            _ => Err(self.invalid("exchanging")),
        }
    }

    /// The code is spent and brought nothing: ask again, or fail when too many were spent or the time is up.
    pub fn asked_again(self, now: Timestamp) -> Result<Self, InvalidTransition> {
        if !matches!(self.state, State::Exchanging(_)) {
            return Err(self.invalid("waiting"));
        }
        let attempts = self.attempts + 1;
        let state = if attempts >= MAX_ATTEMPTS {
            State::Failed { at: now, reason: Failure::Refused }
        } else if self.is_overdue(now) {
            State::Expired { at: now }
        } else {
            State::Waiting
        };
        Ok(Self { state, attempts, opened_at: None, ..self })
    }

    /// A new device code replaces one that is spent or no longer fits the scopes.
    #[must_use]
    pub fn with_device(self, flow: DeviceFlow) -> Self {
        Self { way: Way::Device(flow), ..self }
    }

    /// The device code is over before the session is: another takes its place, or the session fails when too many
    /// were spent.
    #[must_use]
    pub fn device_renewed(self, flow: DeviceFlow, now: Timestamp) -> Self {
        let attempts = self.attempts + 1;
        let state =
            if attempts >= MAX_ATTEMPTS { State::Failed { at: now, reason: Failure::Refused } } else { self.state };
        Self { attempts, state, opened_at: None, way: Way::Device(flow), ..self }
    }

    /// One caller withdraws. While others still ask, the question stands; the last one ends it. Not once a code is
    /// being exchanged: the person has consented by then.
    pub fn withdrawn_by(mut self, requester: &str, now: Timestamp) -> Result<Self, InvalidTransition> {
        if !matches!(self.state, State::Waiting) {
            return Err(self.invalid("cancelled"));
        }
        self.requesters.retain(|known| known != requester);
        if self.requesters.is_empty() {
            self.requesters.push(requester.to_owned());
            return self.ended("cancelled", State::Cancelled { at: now });
        }
        Ok(self)
    }

    /// There is a token after all: nobody need answer any more, as long as `held` is all that is asked for. Not once a code
    /// is being exchanged: the person has consented by then.
    pub fn needless(self, held: &ScopeSet, now: Timestamp) -> Result<Self, InvalidTransition> {
        if !matches!(self.state, State::Waiting) || !held.covers(&self.scopes) {
            return Err(self.invalid("cancelled"));
        }
        self.ended("cancelled", State::Cancelled { at: now })
    }

    /// The person's tokens are stored.
    pub fn completed(self, grant: GrantId, granted: &ScopeSet, now: Timestamp) -> Result<Self, InvalidTransition> {
        let missing = granted.missing(&self.scopes);
        self.ended("completed", State::Completed(Completed { at: now, grant, missing }))
    }

    /// The person refused.
    pub fn rejected(self, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.ended("rejected", State::Rejected { at: now })
    }

    /// The time is up. Only while waiting: an exchange that has begun is finished.
    pub fn expired(self, now: Timestamp) -> Result<Self, InvalidTransition> {
        match self.state {
            State::Waiting if self.is_overdue(now) => self.ended("expired", State::Expired { at: now }),
            _ => Err(self.invalid("expired")),
        }
    }

    /// Another person's token came back.
    pub fn mismatched(self, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.ended("mismatched", State::Mismatched { at: now })
    }

    /// It cannot be done.
    pub fn failed(self, reason: Failure, now: Timestamp) -> Result<Self, InvalidTransition> {
        self.ended("failed", State::Failed { at: now, reason })
    }

    fn ended(self, to: &'static str, state: State) -> Result<Self, InvalidTransition> {
        if self.is_pending() { Ok(Self { state, ..self }) } else { Err(self.invalid(to)) }
    }

    const fn invalid(&self, to: &'static str) -> InvalidTransition {
        InvalidTransition { from: self.state.phase(), to }
    }
}
