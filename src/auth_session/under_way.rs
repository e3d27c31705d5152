//! Which exchanges are under way in this process: at most one of each session.

use std::sync::PoisonError;

use crate::auth_session::AuthSessions;
use crate::domain::auth_session::AuthSessionId;

/// The mark that an exchange is under way in this process, taken back when it is dropped, by a panic too.
pub(super) struct UnderWay {
    auth_sessions: AuthSessions,
    id: AuthSessionId,
}

impl UnderWay {
    /// The mark, unless somebody has it.
    pub(super) fn begin(auth_sessions: &AuthSessions, id: &AuthSessionId) -> Option<Self> {
        let mut marks = auth_sessions.0.exchanging.lock().unwrap_or_else(PoisonError::into_inner);
        marks.insert(id.clone()).then(|| Self { auth_sessions: auth_sessions.clone(), id: id.clone() })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.auth_sessions.0.exchanging.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
