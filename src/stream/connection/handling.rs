//! The events that a connection is handling.
//!
//! All have the same time limit, so one alarm for the oldest is enough; no timer is set per event. A handler that panics
//! counts as failed.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::{BoxFuture, CatchUnwind, Ready};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::{Instant, timeout};

use crate::domain::event::{Event, Verdict};
use crate::stream::contract::{AckSlot, Handler};

/// An event being handled.
pub(super) struct Handling {
    verdict: CatchUnwind<AssertUnwindSafe<BoxFuture<'static, Verdict>>>,
    slot: Option<AckSlot>,
    started: Instant,
}

/// An event to be answered.
pub(super) struct Answered {
    pub(super) verdict: Verdict,
    pub(super) slot: AckSlot,
    pub(super) started: Instant,
}

impl Handling {
    pub(super) fn start(handler: &Handler, event: Event, slot: AckSlot, started: Instant) -> Self {
        let verdict = catch_unwind(AssertUnwindSafe(|| handler(event))).unwrap_or_else(|_| panicked().boxed());
        Self { verdict: AssertUnwindSafe(verdict).catch_unwind(), slot: Some(slot), started }
    }

    fn give_up(self) -> Option<Answered> {
        Some(Answered { verdict: Verdict::failed(), slot: self.slot?, started: self.started })
    }
}

impl Future for Handling {
    type Output = Option<Answered>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let verdict = ready!(self.verdict.poll_unpin(cx)).unwrap_or_else(|_| panicked().into_inner());
        let started = self.started;
        Poll::Ready(self.slot.take().map(|slot| Answered { verdict, slot, started }))
    }
}

fn panicked() -> Ready<Verdict> {
    tracing::error!("stream handler panicked; the event is answered as failed");
    futures_util::future::ready(Verdict::failed())
}

/// The events being handled, in no order.
#[derive(Default)]
pub struct InFlight {
    handlings: FuturesUnordered<Handling>,
    /// No handling that is under way started earlier. It may be that none is under way that started so early.
    oldest: Option<Instant>,
}

impl InFlight {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.handlings.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.handlings.is_empty()
    }

    /// Waits for all of them, but no longer than `limit`, and forgets their answers.
    pub async fn finish(self, limit: Duration) {
        let finished = timeout(limit, self.handlings.for_each(|_| std::future::ready(()))).await;
        if finished.is_err() {
            tracing::warn!("stream events of a lost link were not handled in time");
        }
    }

    pub(super) fn push(&mut self, handling: Handling) {
        self.oldest.get_or_insert(handling.started);
        self.handlings.push(handling);
    }

    /// The next one to be answered; pending for ever while there is none.
    pub(super) async fn next(&mut self) -> Answered {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Answered> {
        loop {
            match self.handlings.poll_next_unpin(cx) {
                Poll::Ready(Some(Some(answered))) => return Poll::Ready(answered),
                Poll::Ready(Some(None)) => {}
                Poll::Ready(None) => {
                    self.oldest = None;
                    return Poll::Pending;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// When the oldest may be overdue.
    pub(super) fn overdue_at(&self, limit: Duration) -> Option<Instant> {
        self.oldest.map(|oldest| oldest + limit)
    }

    /// Gives up those that have taken longer than `limit`.
    pub(super) fn take_overdue(&mut self, now: Instant, limit: Duration) -> Vec<Answered> {
        if self.overdue_at(limit).is_none_or(|at| now < at) {
            return Vec::new();
        }
        let (late, on_time): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.handlings).into_iter().partition(|handling| now >= handling.started + limit);
        self.oldest = on_time.iter().map(|handling| handling.started).min();
        self.handlings.extend(on_time);
        late.into_iter().filter_map(Handling::give_up).collect()
    }
}
