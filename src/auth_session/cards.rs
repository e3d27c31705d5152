//! The message in the chat: sent once, then changed in place until it shows where the session stands.
//!
//! Before a send its number is stored, and the message's uuid is made of the session's id and that number: a send whose
//! outcome is unknown is repeated with the same uuid, which the platform delivers once.

use crate::auth_session::{App, AppWay, AuthSessions};
use crate::domain::auth_session::{AuthSession, State, StateName, Way};
use crate::domain::card::{AskCard, Card, CodeWay, EndCard};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AppId;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::platform::AuthorizeRequest;
use crate::store::StoreError;

use super::exchange::challenge_of;
use super::sending::{ABANDONED_AFTER, RESEND_AFTER};

/// Cards taken up at once.
const BATCH: u64 = 256;

/// What the start link's token is for; part of what is authenticated.
pub(super) const START_LINK: &str = "start";

impl AuthSessions {
    /// Takes up everything that is due, and waits for none of it: sends again what was unclear, changes faces. Called by
    /// period and on a nudge.
    pub async fn run_cards(&self) -> Result<(), StoreError> {
        let apps: Vec<AppId> = self.0.apps.keys().cloned().collect();
        let now = self.0.clock.now();
        while !self.0.tasks.soft.is_cancelled() {
            let due = self.0.store.cards_due(&apps, now, BATCH).await?;
            let full = due.len() as u64 == BATCH;
            self.take_up(&due, now).await?;
            if !full {
                break;
            }
        }
        Ok(())
    }

    /// The first run of the only process on its database: sends that its former self was at are nobody's now.
    pub async fn run_abandoned_cards(&self) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        self.0.store.bring_sends_forward(now, now.plus(ABANDONED_AFTER)).await?;
        self.run_cards().await
    }

    /// Puts each card's time off before anything is sent: what cannot be worked on makes room for the others, and what
    /// cannot be stored is not repeated at the platform.
    async fn take_up(&self, due: &[AuthSession], now: Timestamp) -> Result<(), StoreError> {
        let (mut mine, mut later) = (Vec::new(), Vec::new());
        for session in due {
            match self.0.deliveries.begin_due(session) {
                Some(delivery) => mine.push(delivery),
                None => later.push(&session.id),
            }
        }
        self.0.store.put_cards_off(later.into_iter(), now, now.plus(RESEND_AFTER)).await?;
        let ids = mine.iter().map(|delivery| &delivery.id);
        self.0.store.put_cards_off(ids, now, now.plus(ABANDONED_AFTER)).await?;
        for delivery in mine {
            self.spawn_delivery(delivery);
        }
        Ok(())
    }

    /// The face for where the session stands.
    pub(super) fn card(&self, app: &App, session: &AuthSession) -> Card {
        let missing = match &session.state {
            State::Completed(completed) => completed.missing.clone(),
            _ => ScopeSet::default(),
        };
        let end = EndCard { requesters: session.requesters.clone(), scopes: session.scopes.clone(), missing };
        match session.state.name() {
            StateName::Pending => Card::Ask(self.ask_card(app, session)),
            StateName::Completed => Card::Granted(end),
            StateName::Rejected => Card::Rejected(end),
            StateName::Expired => Card::Expired(end),
            StateName::Mismatched => Card::Mismatched(end),
            StateName::Failed => Card::Failed(end),
            StateName::Cancelled => Card::Cancelled(end),
        }
    }

    fn ask_card(&self, app: &App, session: &AuthSession) -> AskCard {
        AskCard {
            auth_session: session.id.clone(),
            requesters: session.requesters.clone(),
            reason: session.reason.clone(),
            scopes: session.scopes.clone(),
            expires_at: session.expires_at,
            link: self.link(app, session),
            code_way: match &session.way {
                Way::Redirect => CodeWay::Redirect,
                Way::Device(flow) => CodeWay::Device { user_code: flow.user_code.clone() },
                Way::Paste(_) => CodeWay::Paste,
            },
            again: session.attempts > 0,
        }
    }

    /// Where the person goes to decide.
    pub(super) fn link(&self, app: &App, session: &AuthSession) -> Secret {
        match (&session.way, &app.way) {
            (Way::Device(flow), _) => flow.verification_uri.clone(),
            (Way::Paste(flow), AppWay::Paste { redirect_uri }) => {
                let challenge = challenge_of(&flow.verifier);
                app.platform.oauth.authorize_url(&AuthorizeRequest {
                    redirect_uri,
                    state: &flow.state,
                    challenge: &challenge,
                    scopes: &session.scopes,
                })
            }
            (_, AppWay::Redirect { start_url, .. }) => {
                let token = self.0.store.link_token(START_LINK, &session.id);
                Secret::new(format!("{start_url}?t={}", token.expose()))
            }
            // The app's way was changed while the session was open: the link leads nowhere and the session expires.
            (Way::Redirect | Way::Paste(_), _) => Secret::new("about:blank".to_owned()),
        }
    }
}
