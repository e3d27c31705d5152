//! One operation on its way through the writer: it runs inside a batch, and answers when the batch is on the disk.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::store::batch::Scope;
use crate::store::error::StoreError;

/// Work for the writer, whatever it answers.
pub(super) trait Operation: Send {
    /// Does the work inside the transaction.
    fn run(self: Box<Self>, scope: &mut Scope) -> BoxFuture<'_, Ran>;

    /// Says that it was not even tried.
    fn refuse(self: Box<Self>, error: StoreError);
}

/// What an operation did.
pub(super) struct Ran {
    /// Whether its changes stay.
    pub(super) keep: bool,
    /// Tells whoever waits, once it is known whether the batch is on the disk.
    pub(super) answer: Answer,
}

pub(super) type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A function and where its answer goes.
pub(super) struct Call<T, F> {
    pub(super) function: F,
    pub(super) reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Operation for Call<T, F>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Scope) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
{
    fn run(self: Box<Self>, scope: &mut Scope) -> BoxFuture<'_, Ran> {
        Box::pin(async move {
            let Self { function, reply } = *self;
            // An operation that panics must not end the task that everybody depends on.
            let result = AssertUnwindSafe(function(scope)).catch_unwind().await;
            let result = result.unwrap_or(Err(StoreError::BROKE_OFF));
            Ran { keep: result.is_ok(), answer: Box::new(move |committed| send(reply, committed.and(result))) }
        })
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        send(self.reply, Err(error));
    }
}

/// Whoever waited may have gone; what was done stays done.
pub(super) fn send<T>(reply: oneshot::Sender<Result<T, StoreError>>, result: Result<T, StoreError>) {
    let _ = reply.send(result);
}
