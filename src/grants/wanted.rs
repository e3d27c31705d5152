//! What a refresh is to do: asked for by look-ups and by the schedule, done by the refresher.

use crate::domain::clock::Timestamp;
use crate::domain::grant::GrantFacts;
use crate::domain::ids::{AppId, GrantId};

/// Which pair is to be replaced, and until when.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) grant: GrantId,
    pub(super) app: AppId,
    /// The generation that was found wanting: if the store holds a newer one, that is the answer.
    pub(super) generation: i64,
    pub(super) deadline: Timestamp,
    /// Somebody waits for it; otherwise it is enough if anybody does it.
    pub(super) is_needed: bool,
}

impl Wanted {
    /// By a caller who waits for it until the deadline.
    pub(super) fn now(facts: &GrantFacts, deadline: Timestamp) -> Self {
        Self { is_needed: true, ..Self::ahead(facts, deadline) }
    }

    /// Before its time.
    pub(super) fn ahead(facts: &GrantFacts, deadline: Timestamp) -> Self {
        let (grant, app) = (facts.id.clone(), facts.subject.app.clone());
        Self { grant, app, generation: facts.version.generation, deadline, is_needed: false }
    }
}
