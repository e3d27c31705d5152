//! A tap on a card. The event id and what it changes are stored in one transaction; the verdict goes out after that,
//! and only then is anything sent to the platform.

use crate::auth_session::AuthSessions;
use crate::domain::auth_session::{AuthSession, State, StateName, Way};
use crate::domain::card::Toast;
use crate::domain::event::{CardAction, Choice, Event, Outcome, Verdict};
use crate::domain::secret::Secret;
use crate::store::{Accepted, AcceptedWith, StoreError};

use super::redirect::is_code;

/// How often a lost race is run again.
const TRIES: usize = 8;

/// What a tap means for a session.
enum Answer {
    /// Nothing changes.
    Say(Toast),
    /// The session changes.
    Change(Box<AuthSession>, Toast),
}

impl AuthSessions {
    /// Stores what the tap means and says what to show. The second value is whether the event was seen before.
    pub async fn tapped(&self, event: &Event, action: &CardAction) -> Result<(Verdict, bool), StoreError> {
        for _ in 0..TRIES {
            let session = match &action.auth_session {
                Some(id) => self.find(id).await?.filter(|session| session.subject.app == event.app),
                None => None,
            };
            let Some(session) = session else {
                let seen = self.record(event).await?;
                return Ok((Verdict::toast(Toast::UnknownCard), seen));
            };
            match self.answer(&session, action) {
                Answer::Say(toast) => {
                    let seen = self.record(event).await?;
                    return Ok((self.verdict(&session, toast), seen));
                }
                Answer::Change(after, toast) => {
                    if let Some(done) = self.apply(event, &session, *after, toast).await? {
                        return Ok(done);
                    }
                }
            }
        }
        Err(StoreError::contended())
    }

    async fn record(&self, event: &Event) -> Result<bool, StoreError> {
        let now = self.0.clock.now();
        let accepted = self.0.store.accept(&event.app, &event.id, &event.event_type, now).await?;
        Ok(matches!(accepted, Accepted::Duplicate))
    }

    /// Event and transition together; `None` if the session changed meanwhile.
    async fn apply(
        &self,
        event: &Event,
        before: &AuthSession,
        after: AuthSession,
        toast: Toast,
    ) -> Result<Option<(Verdict, bool)>, StoreError> {
        let now = self.0.clock.now();
        let after = self.with_card_due(before, after);
        match self.0.store.accept_with(&event.app, &event.id, &event.event_type, now, after).await? {
            AcceptedWith::New(stored) => {
                self.settle(before, &stored);
                if matches!(stored.state, State::Exchanging(_)) {
                    self.spawn_exchange(&stored.id);
                }
                Ok(Some((self.verdict(&stored, toast), false)))
            }
            AcceptedWith::Duplicate => Ok(Some((self.verdict(before, toast), true))),
            AcceptedWith::Lost => Ok(None),
        }
    }

    fn answer(&self, session: &AuthSession, action: &CardAction) -> Answer {
        if !is_addressee(session, action) {
            tracing::warn!(target: "audit", auth_session = %session.id, "somebody else tapped the card; ignored");
            return Answer::Say(Toast::NotForYou);
        }
        let now = self.0.clock.now();
        if let Ok(expired) = session.clone().expired(now) {
            return Answer::Change(Box::new(expired), Toast::AlreadyOver);
        }
        match (&session.state, &action.choice) {
            (State::Waiting, Choice::Authorize) if session.opened_at.is_some() => Answer::Say(Toast::Continue),
            (State::Waiting, Choice::Authorize) => {
                Answer::Change(Box::new(session.clone().opened(now)), Toast::Continue)
            }
            (State::Waiting, Choice::Reject) => match session.clone().rejected(now) {
                Ok(rejected) => Answer::Change(Box::new(rejected), Toast::Rejected),
                Err(_) => Answer::Say(Toast::AlreadyOver),
            },
            (State::Waiting, Choice::Code(code)) => self.code(session, code),
            (State::Exchanging(_) | State::Waiting, Choice::Unknown) => Answer::Say(Toast::UnknownCard),
            (State::Exchanging(_), _) => Answer::Say(Toast::CodeTaken),
            (State::Rejected { .. }, Choice::Reject) => Answer::Say(Toast::Rejected),
            (ended, _) => Answer::Say(match ended.name() {
                StateName::Completed => Toast::AlreadyGranted,
                _ => Toast::AlreadyOver,
            }),
        }
    }

    fn code(&self, session: &AuthSession, code: &Secret) -> Answer {
        let Way::Paste(flow) = &session.way else { return Answer::Say(Toast::CodeUnusable) };
        let code = Secret::new(code.expose().trim().to_owned());
        if !is_code(&code) {
            return Answer::Say(Toast::CodeUnusable);
        }
        match session.clone().exchanging(code, flow.verifier.clone(), self.0.clock.now()) {
            Ok(exchanging) => Answer::Change(Box::new(exchanging), Toast::CodeTaken),
            Err(_) => Answer::Say(Toast::AlreadyOver),
        }
    }

    /// The toast, and the card of a session that is over, so that a stale face corrects itself. Never for somebody
    /// else's tap.
    fn verdict(&self, session: &AuthSession, toast: Toast) -> Verdict {
        let shows_end = !session.is_pending() && toast != Toast::NotForYou;
        let card = self.0.apps.get(&session.subject.app).filter(|_| shows_end);
        Verdict {
            outcome: Outcome::Accepted,
            toast: Some(toast),
            card: card.map(|app| Box::new(self.card(app, session))),
        }
    }
}

/// The operator must be named and be the person who was asked, of the same organisation as far as both are known.
fn is_addressee(session: &AuthSession, action: &CardAction) -> bool {
    let person = action.operator.as_ref().is_some_and(|operator| *operator == session.subject.id);
    let tenant = match (&session.tenant, &action.operator_tenant) {
        (Some(asked), Some(tapped)) => asked == tapped,
        _ => true,
    };
    person && tenant
}
