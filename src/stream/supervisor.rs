//! Keeps the wanted number of links to one app's event stream up, for ever.
//!
//! Each link is a task of its own that dials, runs the connection and dials again. Several links are wanted because the
//! platform spreads events over them and sends some of them only once: while one link is being replaced, the others
//! receive. A link that has held for a while is replaced at once when it breaks; one that breaks soon, or cannot be
//! opened, waits by [`crate::retry`]. What a person has to mend is retried slowly. No outcome ends the task but the
//! process's stop. A link that the platform announces to end is read to its end beside the one that replaces it, so that what
//! is sent only once has a reader at any time; if the end does not come, the link is ended after a minute.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::clock::Clock;
use crate::domain::ids::AppId;
use crate::domain::random::Random;
use crate::retry::{Backoff, Pace};
use crate::stream::connection::{Connection, End, Ended, Limits};
use crate::stream::contract::{Handler, Opened, Protocol, Refused};
use crate::stream::status::{Board, Observation, Observer, Status};

/// A link that has held this long is replaced at once when it breaks.
const STEADY: Duration = Duration::from_secs(10);
/// How long a link whose end was announced is read at most: platforms end it within seconds.
const LAST_WORDS: Duration = Duration::from_mins(1);
/// The longest pause that a platform can ask for.
const MAX_PAUSE: Duration = Duration::from_mins(10);

/// How the links of one app are kept.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How many links; at least one, and two so that a break loses nothing.
    pub connections: usize,
    /// How many dials of a link may fail in a row, with none up, before the stream counts as degraded.
    pub max_retries: u32,
    /// The time limits of each connection.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self { connections: 2, max_retries: 10, limits: Limits::default() }
    }
}

/// The event stream of one app, not yet started.
pub struct Stream {
    /// The app.
    pub app: AppId,
    /// How links are opened.
    pub protocol: Arc<dyn Protocol>,
    /// What becomes of events.
    pub handler: Handler,
    /// How links are kept.
    pub settings: Settings,
    /// Takes the observations.
    pub observer: Observer,
    /// Tells the time for the status.
    pub clock: Arc<dyn Clock>,
    /// Draws the jitter.
    pub random: Arc<dyn Random>,
}

impl Stream {
    /// Starts the links, each as a task of `tracker`; `stop` ends them in an orderly way. The receiver follows the status.
    #[must_use]
    pub fn start(self, tracker: &TaskTracker, stop: &CancellationToken) -> watch::Receiver<Status> {
        let wanted = self.settings.connections.max(1);
        let board = Arc::new(Board::new(self.app.clone(), wanted, Arc::clone(&self.observer), Arc::clone(&self.clock)));
        let status = board.subscribe();
        for _ in 0..wanted {
            let link = Link::new(&self, Arc::clone(&board), tracker.clone(), stop.clone());
            tracker.spawn(link.keep_up());
        }
        status
    }
}

/// One link.
struct Link {
    protocol: Arc<dyn Protocol>,
    handler: Handler,
    settings: Settings,
    board: Arc<Board>,
    tracker: TaskTracker,
    stop: CancellationToken,
    quick: Backoff,
    slow: Backoff,
    /// Dials that failed since the last success.
    failures: u32,
    /// Whether a dial has been made before.
    dialled: bool,
}

impl Link {
    fn new(stream: &Stream, board: Arc<Board>, tracker: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            protocol: Arc::clone(&stream.protocol),
            handler: Arc::clone(&stream.handler),
            settings: stream.settings,
            board,
            tracker,
            stop,
            quick: Backoff::new(Pace::QUICK, Arc::clone(&stream.random)),
            slow: Backoff::new(Pace::SLOW, Arc::clone(&stream.random)),
            failures: 0,
            dialled: false,
        }
    }

    async fn keep_up(mut self) {
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            let round = AssertUnwindSafe(self.round()).catch_unwind().await;
            let wait = round.unwrap_or_else(|_| self.after_panic());
            let _ = stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
    }

    /// Dials, runs the connection to its end and says how long to wait before the next round.
    async fn round(&mut self) -> Duration {
        let again = std::mem::replace(&mut self.dialled, true);
        if again {
            self.board.observe(Observation::ReconnectAttempt);
        }
        let dial = Arc::clone(&self.protocol);
        let stop = self.stop.clone();
        match stop.run_until_cancelled(dial.open()).await {
            None => Duration::ZERO,
            Some(Ok(opened)) => {
                if again {
                    self.board.observe(Observation::ReconnectSuccess);
                }
                self.hold(opened).await
            }
            Some(Err(refused)) => {
                if again {
                    self.board.observe(Observation::ReconnectFailure);
                }
                self.refused(&refused)
            }
        }
    }

    /// Until the link ends, or is about to and another is wanted.
    async fn hold(&mut self, opened: Opened) -> Duration {
        let since = Instant::now();
        self.failures = 0;
        let connection =
            Connection::new(opened, Arc::clone(&self.handler), self.settings.limits, Arc::clone(&self.board));
        let leaving = connection.leaving();
        let held = Held {
            up: Up::new(Arc::clone(&self.board)),
            connection,
            tracker: self.tracker.clone(),
            patience: self.settings.limits.handler,
        };
        let stop = self.stop.child_token();
        let mut run = Box::pin(held.run(stop.clone()));
        let ended = tokio::select! {
            biased;
            ended = &mut run => ended,
            () = leaving.cancelled() => {
                self.tracker.spawn(hear_out(run, stop));
                return self.after(End::Recycled("leaving"), since.elapsed());
            }
        };
        let (end, reconnect_interval) = ended;
        self.quick.limit(reconnect_interval);
        self.after(end, since.elapsed())
    }

    fn after(&mut self, end: End, lived: Duration) -> Duration {
        match end {
            End::Stopped => Duration::ZERO,
            End::Misconfigured(reason) => self.refused(&Refused::Misconfigured { reason }),
            End::Lost(_) | End::Recycled(_) if lived >= STEADY => {
                self.quick.reset();
                self.slow.reset();
                Duration::ZERO
            }
            End::Lost(_) | End::Recycled(_) => self.quick.next_wait(),
        }
    }

    fn refused(&mut self, refused: &Refused) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.board.refused(refused, self.failures, self.settings.max_retries);
        match refused {
            Refused::Retry { after, .. } => self.quick.next_wait().max(after.unwrap_or_default().min(MAX_PAUSE)),
            Refused::Misconfigured { .. } => self.slow.next_wait(),
        }
    }

    /// A defect of ours in one connection must not end the link.
    fn after_panic(&mut self) -> Duration {
        tracing::error!("stream connection panicked; it is replaced");
        self.quick.next_wait()
    }
}

/// Reads a link whose end was announced, and ends it if the platform does not.
async fn hear_out(mut run: impl Future<Output = (End, Duration)> + Unpin, stop: CancellationToken) {
    if tokio::time::timeout(LAST_WORDS, &mut run).await.is_err() {
        stop.cancel();
        run.await;
    }
}

/// A connection on its own: whoever runs it need not look after its end.
struct Held {
    connection: Connection,
    up: Up,
    tracker: TaskTracker,
    patience: Duration,
}

impl Held {
    /// To its end: how it was, and the pause that the platform asked for.
    async fn run(self, stop: CancellationToken) -> (End, Duration) {
        let Ended { end, reconnect_interval, unfinished } = self.connection.run(&stop).await;
        self.up.down(end.label());
        if !unfinished.is_empty() {
            self.tracker.spawn(unfinished.finish(self.patience));
        }
        (end, reconnect_interval)
    }
}

/// Keeps the count of links right however the connection ends.
struct Up {
    board: Arc<Board>,
    why: &'static str,
}

impl Up {
    fn new(board: Arc<Board>) -> Self {
        board.connected();
        Self { board, why: "panic" }
    }

    fn down(mut self, why: &'static str) {
        self.why = why;
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.board.disconnected(self.why);
    }
}

#[cfg(test)]
mod tests;
