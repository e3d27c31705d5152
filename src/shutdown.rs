//! The end of the process, in two steps, and every task that must not outlive it.
//!
//! *Soft*: stop taking on work; finish what is in flight. *Hard*: stop now. A task is spawned through the tracker or
//! not at all, so that the end waits for it.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long work in flight may take after the soft signal: one slow platform call and its store.
pub const GRACE: Duration = Duration::from_secs(75);

/// How long work may take after the hard signal.
const LAST_GRACE: Duration = Duration::from_secs(5);

/// The signals and the tracker. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take on no more work.
    pub soft: CancellationToken,
    /// Stop at once.
    pub hard: CancellationToken,
    /// Everything that runs.
    pub tracker: TaskTracker,
}

impl Shutdown {
    /// Runs a task to its end, or until the hard signal.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let hard = self.hard.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = hard.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Soft signal, wait for what runs at most [`GRACE`], then the hard signal.
    pub async fn finish(&self) {
        self.soft.cancel();
        self.tracker.close();
        if tokio::time::timeout(GRACE, self.tracker.wait()).await.is_err() {
            tracing::warn!("some work did not finish in time and is abandoned");
        }
        self.hard.cancel();
        if tokio::time::timeout(LAST_GRACE, self.tracker.wait()).await.is_err() {
            tracing::error!("some work did not stop; the process ends all the same");
        }
    }
}

/// Listens from now on; resolves on SIGTERM or SIGINT.
pub fn signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listening = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut term), Ok(mut int)) = listening else {
            tracing::error!("signals cannot be listened to; only SIGKILL will end this process");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => tracing::info!("SIGTERM: finishing work in flight"),
            _ = int.recv() => tracing::info!("SIGINT: finishing work in flight"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_for_work_in_flight_but_not_for_ever() {
        let shutdown = Shutdown::default();
        let (done, finished) = tokio::sync::oneshot::channel();
        shutdown.spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let _ = done.send(());
        });
        shutdown.spawn(std::future::pending());
        let begun = tokio::time::Instant::now();
        shutdown.finish().await;
        assert!(finished.await.is_ok());
        assert_eq!(begun.elapsed(), GRACE);
    }
}
