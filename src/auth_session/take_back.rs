//! Taking a question back that has become needless: its grant was dead, and a pair that came late has healed it.
//!
//! The store says of whom, and takes it back only if the grant has not died once more meanwhile: then the question is the asking.
//! Only what the grant holds was needless to ask, so a question for more stands. While a code is being exchanged it is waited
//! what comes of that: a new consent wins over everything.

use crate::auth_session::AuthSessions;
use crate::domain::auth_session::State;
use crate::domain::grant::GrantFacts;
use crate::domain::ids::AppId;
use crate::store::{Save, StoreError};

/// Healed grants looked at in one run.
const BATCH: u64 = 256;

impl AuthSessions {
    /// Takes back what nobody needs to answer any more. Called by period and on a nudge.
    pub async fn run_take_back(&self) -> Result<(), StoreError> {
        let apps: Vec<AppId> = self.0.apps.keys().cloned().collect();
        for healed in &self.0.store.healed_grants(&apps, BATCH).await? {
            self.take_back(healed).await?;
        }
        Ok(())
    }

    async fn take_back(&self, healed: &GrantFacts) -> Result<(), StoreError> {
        let open = self.0.store.pending_session(&healed.subject).await?;
        let Some(open) = open else { return self.0.store.leave_question(healed).await };
        if matches!(open.state, State::Exchanging(_)) {
            return Ok(());
        }
        let Ok(needless) = open.clone().needless(&healed.scopes, self.0.clock.now()) else {
            return self.0.store.leave_question(healed).await;
        };
        let needless = self.with_card_due(&open, needless);
        // Whoever was faster, the next run looks once more.
        if let Save::Stored(taken_back) = self.0.store.take_question_back(healed, needless).await? {
            self.0.metrics.reask(healed.subject.app.as_str(), "taken_back");
            self.settle(&open, &taken_back);
        }
        Ok(())
    }
}
