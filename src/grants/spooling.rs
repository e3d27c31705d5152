//! Pairs that could not be saved because the database was away: into the spool, and out of it again.
//!
//! Replaying goes through the same compare-and-set as any save, so it may happen twice, and after anything. What cannot be read
//! stays where it is, and is told of once.

use std::sync::atomic::Ordering;

use super::Grants;
use super::revoke::end_pair;
use crate::domain::grant::Grant;
use crate::domain::ids::AttemptId;
use crate::domain::refresh::{GLANCE, SPOOL_AFTER};
use crate::store::{Save, Spooled, StoreError};

/// The blocking work on the spool's folder broke off.
const BROKE_OFF: StoreError = StoreError::Unavailable("the work on the spool broke off");

/// Waits for a save no longer than a pair may be in memory only: a store that hangs must not keep it there. What was given up
/// on may still be done; saving twice is harmless.
pub(super) async fn soon<T>(save: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let saved = tokio::time::timeout(SPOOL_AFTER + GLANCE, save).await;
    saved.unwrap_or(Err(StoreError::Unavailable("saving takes too long")))
}

impl Grants {
    /// Writes a pair into the spool.
    pub(super) async fn spool(&self, pair: Spooled) -> Result<(), StoreError> {
        let (store, folder) = (self.0.store.clone(), self.0.spool.clone());
        let written = self.0.tracker.spawn_blocking(move || store.spool(&folder, &pair)).await;
        written.unwrap_or(Err(BROKE_OFF))?;
        self.0.metrics.pair_spooled();
        Ok(())
    }

    /// Takes a pair out of the spool that is in its place.
    pub(super) async fn unspool(&self, attempt: AttemptId) {
        let (store, folder, id) = (self.0.store.clone(), self.0.spool.clone(), attempt.clone());
        let removed = self.0.tracker.spawn_blocking(move || store.unspool(&folder, &id)).await;
        if let Err(error) = removed.unwrap_or(Err(BROKE_OFF)) {
            tracing::warn!(%attempt, %error, "a pair that is in its place lies in the spool still");
        }
    }

    /// Puts what lies in the spool where it belongs; how many pairs.
    pub async fn run_spool(&self) -> Result<usize, StoreError> {
        let (store, folder) = (self.0.store.clone(), self.0.spool.clone());
        let read = self.0.tracker.spawn_blocking(move || store.spooled(&folder)).await;
        let (pairs, unreadable) = read.unwrap_or(Err(BROKE_OFF))?;
        if self.0.unreadable.swap(unreadable, Ordering::Relaxed) < unreadable {
            let folder = self.0.spool.display();
            tracing::error!(unreadable, %folder, "files in the spool do not open and are left there: is a key missing?");
        }
        let found = pairs.len();
        for pair in pairs {
            let grant = pair.grant.clone();
            match self.replay(pair).await {
                // One whose row is damaged must not keep the others.
                Err(error @ StoreError::Corrupt { .. }) => {
                    tracing::error!(%grant, %error, "a spooled pair cannot be put in its place");
                }
                done => done?,
            }
        }
        Ok(found)
    }

    async fn replay(&self, pair: Spooled) -> Result<(), StoreError> {
        let store = &self.0.store;
        let saved = store.save_refreshed(&pair.grant, pair.version, &pair.answer, pair.obtained_at).await?;
        match saved {
            Save::Stored(saved) => {
                self.noted(saved);
                tracing::info!(grant = %pair.grant, "a spooled pair was put in its place");
            }
            Save::Lost => match store.grant_by_id(&pair.grant).await? {
                Some(spent) => self.set_spooled_aside(&pair, spent).await?,
                None => self.end_spooled(&pair).await,
            },
        }
        self.unspool(pair.attempt).await;
        Ok(())
    }

    /// The grant has moved on: perhaps to this very pair.
    async fn set_spooled_aside(&self, pair: &Spooled, mut spent: Grant) -> Result<(), StoreError> {
        if spent.access.matches(pair.answer.access.expose()) {
            return Ok(());
        }
        spent.facts.version = pair.version;
        match self.0.store.set_aside(&pair.attempt, &spent, &pair.answer, pair.obtained_at).await {
            // Replayed before, and the process died before the file was gone.
            Ok(()) | Err(StoreError::Exists) => {}
            Err(error) => return Err(error),
        }
        tracing::info!(grant = %pair.grant, "a spooled pair was set aside: its grant has moved on");
        Ok(())
    }

    /// The grant was deleted meanwhile: its successor is nobody's, and lives at the platform.
    async fn end_spooled(&self, pair: &Spooled) {
        let grant = &pair.grant;
        let Some(platform) = pair.app.as_ref().and_then(|app| self.0.apps.get(app)) else {
            tracing::warn!(%grant, "a spooled pair belongs to no grant and to no app here: it is dropped");
            return;
        };
        tracing::warn!(%grant, "a spooled pair came too late: its grant is gone, and the pair is ended");
        end_pair(platform, grant, &pair.answer).await;
    }
}
