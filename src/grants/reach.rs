//! What the platform's answers to refreshes say of the platform itself: how often, how fast, and whether it can be reached.
//!
//! The protocol would have a live connection checked out before the claim, so that a failed connect costs no intent. The HTTP
//! client lends none: it connects, or takes a connection that has idled for less than four seconds, when a request is sent. A
//! second connection, made only to see that one can be made, would double the handshakes with a platform that is well, and
//! prove nothing of the one that is used. What is lost by leaving it out is not a token: a connect that fails sends no byte, the
//! claim is given back at once and no try is counted; a death between claim and connect is made good after the lease by sending
//! the token (C2). It costs a claim and a row of the journal for each grant that is due. So that an endpoint that is away does
//! not cost them over and over, nothing is refreshed ahead for a while after it was found away, then one grant goes first, and
//! the others follow when it has come through. A caller that needs a token tries all the same.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Grants;
use super::outcomes::outcome_word;
use crate::domain::ids::AppId;
use crate::domain::token::TokenAnswer;
use crate::platform::PlatformError;

/// The longest time between two tries to reach an endpoint.
const LONGEST: Duration = Duration::from_mins(1);

/// Which apps' endpoints cannot be reached.
#[derive(Default)]
pub(super) struct Reach(Mutex<HashMap<AppId, Away>>);

/// An endpoint that was found away; times are readings of the clock.
#[derive(Clone, Copy)]
struct Away {
    pause: Duration,
    until: Duration,
}

impl Reach {
    /// How many of `room` refreshes may be started ahead at `now`.
    pub(super) fn room(&self, app: &AppId, room: usize, now: Duration) -> usize {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).get(app) {
            None => room,
            Some(away) if now < away.until => 0,
            Some(_) => room.min(1),
        }
    }

    /// It could not be reached at `now`; whether that is news. Those that were under way together count as one try.
    fn lost(&self, app: &AppId, first: Duration, now: Duration) -> bool {
        let mut away = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = away.get(app).copied();
        if known.is_none_or(|known| now >= known.until) {
            let pause = known.map_or(first, |known| (2 * known.pause).min(LONGEST));
            away.insert(app.clone(), Away { pause, until: now + pause });
        }
        known.is_none()
    }

    /// It answered; whether that is news.
    fn found(&self, app: &AppId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(app).is_some()
    }
}

impl Grants {
    /// Takes note of an answer, or of none.
    pub(super) async fn heed(&self, app: &AppId, answer: &Result<TokenAnswer, PlatformError>) {
        let inner = &self.0;
        inner.metrics.token_refresh(app.as_str(), outcome_word(answer));
        match answer {
            Err(PlatformError::Unavailable) => {
                if inner.reach.lost(app, inner.timers.retry, inner.clock.reading()) {
                    tracing::warn!(%app, "the token endpoint cannot be reached: one refresh at a time tries it");
                }
            }
            // It may have been reached or not.
            Err(PlatformError::Unclear) => {}
            Err(PlatformError::RateLimited { after }) => self.close_budget(app, *after).await,
            _ => {
                if inner.reach.found(app) {
                    tracing::info!(%app, "the token endpoint can be reached again");
                }
            }
        }
    }

    /// "Too many" holds for every replica.
    async fn close_budget(&self, app: &AppId, after: Duration) {
        if let Err(error) = self.0.store.close_budget(app.as_str(), after, self.0.clock.now()).await {
            tracing::warn!(%app, %error, "the platform's limit could not be shared");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn while_it_is_away_one_tries_and_less_and_less_often() {
        let (reach, app) = (Reach::default(), AppId::parse("cli_a").unwrap());
        assert_eq!(reach.room(&app, 64, secs(0)), 64);
        assert!(reach.lost(&app, secs(5), secs(0)));
        for _ in 0..63 {
            assert!(!reach.lost(&app, secs(5), secs(1)), "those under way with it are no news");
        }
        let mut now = 5;
        for pause in [10, 20, 40, 60, 60] {
            assert_eq!(reach.room(&app, 64, secs(now - 1)), 0);
            assert_eq!(reach.room(&app, 64, secs(now)), 1);
            assert_eq!(reach.room(&app, 0, secs(now)), 0, "no room is no room");
            assert!(!reach.lost(&app, secs(5), secs(now)));
            now += pause;
        }
        assert!(reach.found(&app));
        assert!(!reach.found(&app));
        assert_eq!(reach.room(&app, 64, secs(now)), 64);
    }
}
