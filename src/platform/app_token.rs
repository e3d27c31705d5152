//! An app's own access token: fetched when first needed, kept until shortly before its end, fetched once however many
//! need it at the same time. Knows no platform and no store: how to fetch it is handed in, and so is the [`Shelf`] on which
//! it outlives the process and reaches the other replicas. The shelf is looked at before a fetch and nothing depends on it.
//!
//! One flight: the fetch happens under an asynchronous lock. Whoever waits for the lock finds a fresh token, or the
//! failure of the flight it waited for, and does not call again. If the one that fetches is dropped (its caller gave
//! up), the next one in line fetches instead, so that nobody hangs on an abandoned flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::secret::Secret;
use crate::platform::PlatformError;

/// How long before its end a token is no longer used, if half its life is not shorter.
const EARLY: Duration = Duration::from_mins(5);

/// A token as the platform gave it.
pub struct FetchedToken {
    /// The token.
    pub token: Secret,
    /// How long it lives from now.
    pub ttl: Duration,
}

/// Asks the platform for a token.
pub type Fetch = Box<dyn Fn() -> BoxFuture<'static, Result<FetchedToken, PlatformError>> + Send + Sync>;

/// A token and until when it is to be used.
pub struct KeptToken {
    /// The token.
    pub token: Secret,
    /// Not used from then on.
    pub until: Timestamp,
}

/// Looks for a token that this process, its former self or another one has kept. It does not take long.
pub type Look = Box<dyn Fn() -> BoxFuture<'static, Option<KeptToken>> + Send + Sync>;

/// Keeps a token, in the place of the one that the platform has refused, if that is known. Nobody waits for it.
pub type Keep = Box<dyn Fn(KeptToken, Option<Secret>) + Send + Sync>;

/// Where a token outlives the process.
pub struct Shelf {
    /// Finds what is kept.
    pub look: Look,
    /// Keeps it.
    pub keep: Keep,
}

#[cfg(test)]
impl Shelf {
    /// One that keeps nothing.
    pub(crate) fn none() -> Self {
        Self { look: Box::new(|| Box::pin(async { None })), keep: Box::new(|_, _| {}) }
    }
}

/// The token of one app.
pub struct AppToken {
    fetch: Fetch,
    shelf: Shelf,
    clock: Arc<dyn Clock>,
    /// Counts flights that failed, so that a waiter can tell whether one failed while it waited.
    failures: AtomicU64,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<(Secret, Timestamp)>,
    last_error: Option<PlatformError>,
    /// The last token that the platform did not take.
    refused: Option<Secret>,
}

impl AppToken {
    /// Nothing is fetched yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, fetch: Fetch, shelf: Shelf) -> Self {
        Self { fetch, shelf, clock, failures: AtomicU64::new(0), held: Mutex::new(Held::default()) }
    }

    /// A token that is good for a while.
    pub async fn get(&self) -> Result<Secret, PlatformError> {
        let failures_before = self.failures.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        if let Some(token) = held.usable(self.clock.now()) {
            return Ok(token);
        }
        if self.failures.load(Ordering::Acquire) != failures_before
            && let Some(error) = &held.last_error
        {
            return Err(error.clone());
        }
        if let Some(kept) = (self.shelf.look)().await
            && let Some(token) = held.take_over(kept, self.clock.now())
        {
            return Ok(token);
        }
        self.fly(&mut held).await
    }

    /// The platform does not take this token any more; the next [`Self::get`] fetches. A token that has been replaced
    /// meanwhile stays.
    pub async fn invalidate(&self, token: &Secret) {
        let mut held = self.held.lock().await;
        if held.token.take_if(|(known, _)| known.matches(token.expose())).is_some() {
            held.refused = Some(token.clone());
        }
    }

    async fn fly(&self, held: &mut Held) -> Result<Secret, PlatformError> {
        let asked_at = self.clock.now();
        match (self.fetch)().await {
            Ok(fetched) => {
                let usable_until = asked_at.plus(fetched.ttl.saturating_sub(EARLY.min(fetched.ttl / 2)));
                held.token = Some((fetched.token.clone(), usable_until));
                (self.shelf.keep)(KeptToken { token: fetched.token.clone(), until: usable_until }, held.refused.take());
                Ok(fetched.token)
            }
            Err(error) => {
                held.last_error = Some(error.clone());
                self.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }
}

impl Held {
    /// Takes a kept token, unless it is over or the platform has refused it.
    fn take_over(&mut self, kept: KeptToken, now: Timestamp) -> Option<Secret> {
        if self.refused.as_ref().is_some_and(|refused| refused.matches(kept.token.expose())) {
            return None;
        }
        self.token = Some((kept.token, kept.until));
        self.usable(now)
    }

    fn usable(&self, now: Timestamp) -> Option<Secret> {
        self.token.as_ref().filter(|(_, until)| now < *until).map(|(token, _)| token.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use futures_util::future::{FutureExt as _, join_all};

    use super::*;

    #[derive(Default)]
    struct ManualClock(AtomicI64);

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(self.0.load(Ordering::SeqCst))
        }
    }

    struct Bench {
        clock: Arc<ManualClock>,
        calls: Arc<AtomicU64>,
        token: Arc<AppToken>,
        kept: Arc<Mutex<Option<(Secret, Timestamp)>>>,
    }

    fn shelf(kept: &Arc<Mutex<Option<(Secret, Timestamp)>>>) -> Shelf {
        let (look, keep) = (Arc::clone(kept), Arc::clone(kept));
        Shelf {
            look: Box::new(move || {
                let look = Arc::clone(&look);
                async move { look.lock().await.clone().map(|(token, until)| KeptToken { token, until }) }.boxed()
            }),
            keep: Box::new(move |kept, _| *keep.try_lock().unwrap() = Some((kept.token, kept.until))),
        }
    }

    /// A token source that gives `t-1`, `t-2`, … after yielding, or fails while `failing` is set.
    fn bench(ttl_secs: u64, fail_first: u64) -> Bench {
        let (clock, calls) = (Arc::new(ManualClock::default()), Arc::new(AtomicU64::new(0)));
        let counter = Arc::clone(&calls);
        let fetch: Fetch = Box::new(move || {
            let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                tokio::task::yield_now().await;
                if number <= fail_first {
                    return Err(PlatformError::Unavailable);
                }
                let ttl = Duration::from_secs(ttl_secs);
                Ok(FetchedToken { token: Secret::new(format!("t-{number}")), ttl })
            }
            .boxed()
        });
        let kept = Arc::<Mutex<Option<(Secret, Timestamp)>>>::default();
        let token = Arc::new(AppToken::new(Arc::clone(&clock) as Arc<dyn Clock>, fetch, shelf(&kept)));
        Bench { clock, calls, token, kept }
    }

    #[tokio::test]
    async fn many_at_once_make_one_call() {
        let bench = bench(7200, 0);
        let tokens = join_all((0..1000).map(|_| bench.token.get())).await;
        assert!(tokens.iter().all(|token| token.as_ref().unwrap().matches("t-1")));
        assert_eq!(bench.calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_flight_fails_everybody_who_waited_and_nobody_later() {
        let bench = bench(7200, 1);
        let tokens = join_all((0..100).map(|_| bench.token.get())).await;
        assert!(tokens.iter().all(|token| matches!(token, Err(PlatformError::Unavailable))));
        assert_eq!(bench.calls.load(Ordering::SeqCst), 1);
        assert!(bench.token.get().await.unwrap().matches("t-2"));
    }

    #[tokio::test]
    async fn is_kept_until_five_minutes_before_its_end() {
        let bench = bench(7200, 0);
        bench.token.get().await.unwrap();
        bench.clock.0.store(6899, Ordering::SeqCst);
        assert!(bench.token.get().await.unwrap().matches("t-1"));
        bench.clock.0.store(6900, Ordering::SeqCst);
        assert!(bench.token.get().await.unwrap().matches("t-2"));
    }

    #[tokio::test]
    async fn a_short_life_is_used_by_half() {
        let bench = bench(100, 0);
        bench.token.get().await.unwrap();
        bench.clock.0.store(49, Ordering::SeqCst);
        assert!(bench.token.get().await.unwrap().matches("t-1"));
        bench.clock.0.store(50, Ordering::SeqCst);
        assert!(bench.token.get().await.unwrap().matches("t-2"));
    }

    #[tokio::test]
    async fn only_the_refused_token_is_thrown_away() {
        let bench = bench(7200, 0);
        let first = bench.token.get().await.unwrap();
        bench.token.invalidate(&first).await;
        assert!(bench.token.get().await.unwrap().matches("t-2"));
        bench.token.invalidate(&first).await;
        assert!(bench.token.get().await.unwrap().matches("t-2"));
    }

    #[tokio::test]
    async fn what_is_kept_is_used_until_its_end_and_never_when_it_was_refused() {
        let bench = bench(7200, 0);
        *bench.kept.lock().await = Some((Secret::new("kept".to_owned()), Timestamp::from_secs(100)));
        let kept = bench.token.get().await.unwrap();
        assert!(kept.matches("kept"));
        assert_eq!(bench.calls.load(Ordering::SeqCst), 0, "nothing is fetched");
        bench.token.invalidate(&kept).await;
        assert!(bench.token.get().await.unwrap().matches("t-1"), "though it lies there still");
        *bench.kept.lock().await = Some((Secret::new("over".to_owned()), Timestamp::from_secs(7000)));
        bench.clock.0.store(7000, Ordering::SeqCst);
        assert!(bench.token.get().await.unwrap().matches("t-2"));
        let kept = bench.kept.lock().await.clone().unwrap();
        assert!(kept.0.matches("t-2") && kept.1 == Timestamp::from_secs(13_900), "it is kept in turn");
    }

    #[tokio::test]
    async fn a_dropped_flight_is_taken_over() {
        let bench = bench(7200, 0);
        let mut first = Box::pin(bench.token.get());
        assert!(futures_util::poll!(&mut first).is_pending());
        let mut second = Box::pin(bench.token.get());
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.unwrap().matches("t-2"));
    }
}
