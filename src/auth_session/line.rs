//! The line before the platform's token endpoint. Exchanges take from the bucket that refreshes and device polls take from, over
//! all replicas: the platform counts them together.
//!
//! A person waits for an exchange and for most refreshes nobody does, so refreshes and polls leave a part of the bucket alone
//! (`Limit::giving_way`). Here one exchange of an app after the other asks for a place, so that a crowd does not ask the
//! store a thousand times a second; nobody waits longer than a code lives.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::auth_session::AuthSessions;
use crate::domain::clock::Timestamp;
use crate::domain::ids::AppId;
use crate::platform::PlatformError;

/// The pauses between two looks at a bucket that is empty.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// The heads of the apps' lines.
pub(super) struct Lines(HashMap<AppId, Mutex<()>>);

impl Lines {
    pub(super) fn of(apps: impl Iterator<Item = AppId>) -> Self {
        Self(apps.map(|app| (app, Mutex::default())).collect())
    }
}

impl AuthSessions {
    /// Waits until the app may call its token endpoint. Fails when it is too late for that, or when the process ends.
    pub(super) async fn stand_in_line(&self, app: &AppId, until: Timestamp) -> Result<(), PlatformError> {
        let Some(line) = self.0.lines.0.get(app) else { return Ok(()) };
        let in_turn = async {
            let _head = line.lock().await;
            self.place(app, until).await
        };
        tokio::select! {
            placed = in_turn => placed,
            () = self.0.tasks.soft.cancelled() => Err(PlatformError::Unavailable),
        }
    }

    async fn place(&self, app: &AppId, until: Timestamp) -> Result<(), PlatformError> {
        loop {
            let now = self.0.clock.now();
            let wait = match self.0.store.reserve(app.as_str(), self.0.settings.exchanges, 1, now).await {
                Ok(reserved) if reserved.granted > 0 => return Ok(()),
                Ok(reserved) => reserved.wait,
                Err(error) => {
                    tracing::warn!(%app, %error, "no code is exchanged: the shared budget cannot be read");
                    LONGEST_LOOK
                }
            };
            if now.plus(wait) > until {
                return Err(PlatformError::RateLimited { after: wait });
            }
            // Looked at again soon, however long it is: another process may open or close the bucket.
            tokio::time::sleep(wait.clamp(SHORTEST_LOOK, LONGEST_LOOK)).await;
        }
    }

    /// "Too many" holds for every replica, and for refreshes too.
    pub(super) async fn close_line(&self, app: &AppId, after: Duration) {
        if let Err(error) = self.0.store.close_budget(app.as_str(), after, self.0.clock.now()).await {
            tracing::warn!(%app, %error, "the platform's limit could not be shared");
        }
    }
}
