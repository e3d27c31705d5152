//! What every simulated platform has: people and apps of its own, faults, a journal, a judge, and the sandbox's one clock.
//!
//! It knows no platform. Two platforms share the clock and nothing else: whoever leaves one company has not left another.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::judge::{Case, Verdict};
use crate::options::Lifetimes;
use crate::world::World;

/// What the handlers of a platform share.
pub struct Site {
    /// What time it is.
    pub clock: Arc<Clock>,
    /// People, apps, messages, tokens.
    pub world: World,
    /// Lifetimes of what is issued.
    pub lifetimes: Lifetimes,
    /// Tenant of apps and people that name none.
    pub tenant_key: String,
    /// The app that is meant where none is named.
    pub default_app_id: String,
    /// Origin of links shown to people.
    pub public_url: String,
    /// Scripted faults.
    pub faults: Faults,
    /// What was asked.
    pub journal: Journal,
    /// Every task of the sandbox.
    pub tasks: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
}

impl Site {
    /// What the judge says of all refreshes so far.
    #[must_use]
    pub fn judge(&self) -> Verdict {
        // The world is held only while the log is copied.
        let case = Case::of(&self.world.lock(), self.clock.now_ms());
        case.judge()
    }

    /// The same, as soon as no request to the token endpoint is under way.
    pub async fn judge_settled(&self) -> Verdict {
        self.journal.wait_until(|| self.world.lock().tokens.log().is_quiet()).await;
        self.judge()
    }
}
