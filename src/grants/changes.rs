//! What happened at the platform to what people granted, stored with its event before the platform is answered.

use super::Grants;
use crate::domain::auth_session::AuthSession;
use crate::domain::clock::Timestamp;
use crate::domain::event::{Change, Event};
use crate::domain::grant::Suspension;
use crate::domain::ids::Subject;
use crate::store::{AcceptedChange, StoreError};

impl Grants {
    /// When an event happened. The platform's clock may run ahead of ours; nothing happens in the future.
    #[must_use]
    pub fn happened_at(&self, event: &Event) -> Timestamp {
        let now = self.0.clock.now();
        event.created_at.map_or(now, |at| at.min(now))
    }

    /// Stores the event and all that it changes, with `ending`, the auth session that it ends.
    pub async fn changed(
        &self,
        event: &Event,
        change: &Change,
        ending: Option<AuthSession>,
        at: Timestamp,
    ) -> Result<AcceptedChange, StoreError> {
        let accepted = self.0.store.accept_change(event, change, ending, at, self.0.clock.now()).await?;
        if let AcceptedChange::New { applied, .. } = &accepted {
            self.tell(event, change, *applied);
        }
        Ok(accepted)
    }

    /// Whether this person is suspended, or the whole app is.
    pub async fn suspension(&self, subject: &Subject) -> Result<Option<Suspension>, StoreError> {
        self.0.store.suspension(subject).await
    }

    fn tell(&self, event: &Event, change: &Change, applied: bool) {
        self.0.metrics.grant_change(event.app.as_str(), change.as_str(), applied);
        let by = match change {
            Change::Revoked { by, .. } => by.as_str(),
            _ => "platform",
        };
        tracing::info!(
            target: "audit",
            app = %event.app,
            event = %event.id,
            subject = change.subject().map(tracing::field::display),
            change = change.as_str(),
            by,
            applied,
            "the platform changed what people granted"
        );
    }
}
