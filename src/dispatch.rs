//! The one consumer of pushed events: routes each to a use case and returns the verdict that is acknowledged.
//!
//! Nothing here waits for a platform: a verdict follows one store transaction.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::auth_session::AuthSessions;
use crate::domain::clock::Clock;
use crate::domain::event::{Change, Event, EventKind, Verdict};
use crate::domain::ids::{AppId, TenantKey};
use crate::grants::Grants;
use crate::metrics::Metrics;
use crate::store::{Accepted, AcceptedChange, Store, StoreError};

/// How often a lost race against a person's session is run again.
const TRIES: usize = 8;

/// The dispatcher. Clones share everything.
#[derive(Clone)]
pub struct Dispatch(Arc<Inner>);

struct Inner {
    store: Store,
    auth_sessions: AuthSessions,
    grants: Grants,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    tenants: HashMap<AppId, OnceLock<TenantKey>>,
}

/// What became of an event, as a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    New,
    Duplicate,
    Foreign,
}

impl Dispatch {
    /// A dispatcher for these apps; the value is the organisation that the configuration names.
    #[must_use]
    pub fn new(
        store: Store,
        (auth_sessions, grants): (AuthSessions, Grants),
        apps: &HashMap<AppId, Option<TenantKey>>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        let known = |tenant: &Option<TenantKey>| tenant.clone().map_or_else(OnceLock::new, OnceLock::from);
        let tenants = apps.iter().map(|(app, tenant)| (app.clone(), known(tenant))).collect();
        Self(Arc::new(Inner { store, auth_sessions, grants, clock, metrics, tenants }))
    }

    /// Handles one event. A store that is away is answered as not accepted, so that the platform sends again.
    pub async fn handle(&self, event: Event) -> Verdict {
        let (verdict, word) = match self.route(&event).await {
            Ok((verdict, Fate::New)) => (verdict, "new"),
            Ok((verdict, Fate::Duplicate)) => (verdict, "duplicate"),
            Ok((verdict, Fate::Foreign)) => (verdict, "foreign"),
            Err(error) => {
                tracing::error!(app = %event.app, %error, "an event could not be stored and is not acknowledged");
                (Verdict::failed(), "failed")
            }
        };
        self.0.metrics.event(event.app.as_str(), word);
        verdict
    }

    async fn route(&self, event: &Event) -> Result<(Verdict, Fate), StoreError> {
        if !self.is_ours(event).await? {
            tracing::warn!(target: "audit", app = %event.app, "an event of another organisation was ignored");
            return Ok((Verdict::accepted(), Fate::Foreign));
        }
        // Boxed, as is the pinning below: what is rare and large must not be carried along by every event.
        match &event.kind {
            EventKind::CardAction(action) => {
                let (verdict, seen) = Box::pin(self.0.auth_sessions.tapped(event, action)).await?;
                return Ok((verdict, if seen { Fate::Duplicate } else { Fate::New }));
            }
            EventKind::Change(change) => return Ok((Verdict::accepted(), Box::pin(self.change(event, change)).await?)),
            EventKind::Other => {}
        }
        let now = self.0.clock.now();
        let accepted = self.0.store.accept(&event.app, &event.id, &event.event_type, now).await?;
        let fate = if matches!(accepted, Accepted::Duplicate) { Fate::Duplicate } else { Fate::New };
        Ok((Verdict::accepted(), fate))
    }

    /// A change of what people granted, stored with the auth session that it ends; then those who wait are told.
    async fn change(&self, event: &Event, change: &Change) -> Result<Fate, StoreError> {
        let Inner { auth_sessions, grants, .. } = &*self.0;
        let at = grants.happened_at(event);
        for _ in 0..TRIES {
            let ending = auth_sessions.ending(&event.app, change, at).await?;
            let after = ending.as_ref().map(|ending| ending.after.clone());
            match grants.changed(event, change, after, at).await? {
                AcceptedChange::New { ended, let_go, .. } => {
                    auth_sessions.changed(&event.app, change, ending.as_ref().zip(ended.as_deref()), let_go);
                    return Ok(Fate::New);
                }
                AcceptedChange::Duplicate => return Ok(Fate::Duplicate),
                AcceptedChange::Lost => {}
            }
        }
        Err(StoreError::contended())
    }

    /// Reads what earlier events pinned; before the first event is handled.
    pub async fn recall_tenants(&self) -> Result<(), StoreError> {
        for (app, known) in &self.0.tenants {
            if let Some(pinned) = self.0.store.pinned_tenant(app).await? {
                known.get_or_init(|| pinned);
            }
        }
        Ok(())
    }

    /// Whether the event is of the app's organisation. The first event of an app that names none pins it.
    async fn is_ours(&self, event: &Event) -> Result<bool, StoreError> {
        let Some(pinned) = self.0.tenants.get(&event.app) else { return Ok(false) };
        let Some(tenant) = &event.tenant else { return Ok(pinned.get().is_none()) };
        if let Some(pinned) = pinned.get() {
            return Ok(pinned == tenant);
        }
        let stored = Box::pin(self.0.store.pin_tenant(&event.app, tenant, self.0.clock.now())).await?;
        Ok(pinned.get_or_init(|| stored) == tenant)
    }
}
