//! The writer: groups, isolates, survives, ends.

use sea_orm::ConnectionTrait;
use tokio::sync::oneshot;
use tokio::task::unconstrained;

use super::*;
use crate::store::writer::QUEUE;

/// All at once: none of them is held back for fairness, so that all jobs are queued when they have been polled once.
async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    unconstrained(futures_util::future::join_all(futures)).await
}

fn queue(store: &Store) -> &mpsc::Sender<Job> {
    let Writes::Queue(queue) = &store.writes else { panic!("not on a server") };
    queue
}

type Held = oneshot::Receiver<Result<(), StoreError>>;

fn job<F>(reply: oneshot::Sender<Result<(), StoreError>>, function: F) -> Job
where
    F: for<'t> FnOnce(&'t mut Scope) -> BoxFuture<'t, Result<(), StoreError>> + Send + 'static,
{
    Job::Operation(Box::new(Call { function, reply }))
}

/// Holds the writer inside an operation until the answer is dropped or sent, so that others queue up behind it.
async fn hold(store: &Store) -> (oneshot::Sender<()>, Held) {
    let (release, released) = oneshot::channel::<()>();
    let (entered, held) = oneshot::channel::<()>();
    let (reply, waiting) = oneshot::channel();
    let job = job(reply, move |_| {
        Box::pin(async move {
            entered.send(()).unwrap();
            let _ = released.await;
            Ok(())
        })
    });
    enqueue(queue(store), job).await.unwrap();
    held.await.unwrap();
    (release, waiting)
}

/// Lets go of the writer once this many jobs have queued up behind it.
async fn release_behind(store: &Store, jobs: usize, release: oneshot::Sender<()>) {
    while queue(store).capacity() > QUEUE - jobs {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
}

#[tokio::test]
async fn what_queues_during_a_commit_shares_the_next() {
    let home = Home::new();
    let store = home.open().await;
    let (release, held) = hold(&store).await;
    let before = store.commits();
    let (a, names): (AppId, Vec<EventId>) = (app("cli_a"), (0..400).map(event).collect());
    let accepts = join_all(names.iter().map(|id| store.accept(&a, id, "x", at(0))));
    let others = join_all((0..10).map(|n| {
        let store = store.clone();
        async move { store.open_session(&session(&format!("s{n}"), &format!("ou_{n}")), 5, at(0)).await }
    }));
    let release = release_behind(&store, 410, release);
    let (accepted, opened, ()) = tokio::join!(accepts, others, release);
    assert!(accepted.into_iter().all(|result| result.unwrap() == Accepted::New));
    assert!(opened.into_iter().all(|result| matches!(result.unwrap(), Open::Created)));
    held.await.unwrap().unwrap();
    assert_eq!(store.commits() - before, 2, "one for the one that held, one for the 410 behind it");
}

#[tokio::test]
async fn an_operation_that_fails_takes_no_other_with_it() {
    let home = Home::new();
    let store = home.open().await;
    let (release, held) = hold(&store).await;
    let good = session("good", "ou_good");
    let opens = store.open_session(&good, 5, at(0));
    let fails = store.write::<(), _>(|scope| {
        Box::pin(async move {
            scope.tx.execute_unprepared("DELETE FROM auth_sessions").await?;
            scope.tx.execute_unprepared("INSERT INTO nowhere VALUES (1)").await?;
            Ok(())
        })
    });
    let breaks = store.write::<(), _>(|scope| {
        Box::pin(async move {
            scope.tx.execute_unprepared("DELETE FROM auth_sessions").await?;
            panic!("the operation is wrong")
        })
    });
    let (a, id) = (app("cli_a"), event(1));
    let accept = store.accept(&a, &id, "x", at(0));
    let release = release_behind(&store, 4, release);
    let (opened, failed, broke, accepted, ()) = tokio::join!(opens, fails, breaks, accept, release);
    assert!(matches!(opened.unwrap(), Open::Created));
    assert_eq!(failed.unwrap_err(), StoreError::Unavailable("the operation failed"));
    assert_eq!(broke.unwrap_err(), StoreError::Unavailable("the operation broke off"));
    assert_eq!(accepted.unwrap(), Accepted::New);
    held.await.unwrap().unwrap();
    assert!(store.auth_session(&good.id).await.unwrap().is_some(), "what the failed ones deleted is still there");
}

/// A database that may not grow is what SQLite makes of a full disk.
#[tokio::test]
async fn a_full_disk_fails_the_whole_batch_and_acks_nothing() {
    let home = Home::new();
    let store = home.open().await;
    store.accept(&app("cli_a"), &event("before"), "x", at(0)).await.unwrap();
    let (release, held) = hold_full(&store).await;
    let long = "x".repeat(120);
    let (a, names): (AppId, Vec<EventId>) = (app("cli_a"), (0..500).map(event).collect());
    let accepts = join_all(names.iter().map(|id| store.accept(&a, id, &long, at(0))));
    let new = session("s1", "ou_1");
    let opens = store.open_session(&new, 5, at(0));
    let release = release_behind(&store, 501, release);
    let (accepted, opened, ()) = tokio::join!(accepts, opens, release);
    held.await.unwrap().unwrap();
    assert!(accepted.iter().all(Result::is_err), "nothing was stored, so nothing is acked");
    assert!(opened.is_err());
    assert!(store.auth_session(&new.id).await.unwrap().is_none());
    let again = join_all(names.iter().map(|id| store.accept(&a, id, "x", at(0)))).await;
    assert!(again.into_iter().all(|result| result.unwrap() == Accepted::New), "the writer goes on, none is remembered");
    let known = store.accept(&a, &event("before"), "x", at(0)).await.unwrap();
    assert_eq!(known, Accepted::Duplicate, "what was stored before is still known");
}

/// Events alone go in by one statement without a transaction around it: it fails as a whole all the same.
#[tokio::test]
async fn events_alone_on_a_full_disk_are_neither_acked_nor_remembered() {
    let home = Home::new();
    let store = home.open().await;
    store.accept(&app("cli_a"), &event("before"), "x", at(0)).await.unwrap();
    let (release, held) = hold_full(&store).await;
    let long = "x".repeat(120);
    let (a, names): (AppId, Vec<EventId>) = (app("cli_a"), (0..120).map(event).collect());
    let accepts = join_all(names.iter().map(|id| store.accept(&a, id, &long, at(0))));
    let release = release_behind(&store, 120, release);
    let before = store.commits();
    let (accepted, ()) = tokio::join!(accepts, release);
    held.await.unwrap().unwrap();
    assert!(accepted.iter().all(Result::is_err), "nothing was stored, so nothing is acked");
    assert_eq!(store.commits() - before, 1, "the one that held");
    let again = join_all(names.iter().map(|id| store.accept(&a, id, "x", at(0)))).await;
    assert!(again.into_iter().all(|result| result.unwrap() == Accepted::New), "the writer goes on, none is remembered");
}

async fn hold_full(store: &Store) -> (oneshot::Sender<()>, Held) {
    store
        .write(|scope| {
            Box::pin(async move {
                scope.tx.execute_unprepared("PRAGMA max_page_count = 1").await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    hold(store).await
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_refuses_the_rest() {
    let home = Home::new();
    let store = home.open().await;
    let (release, held) = hold(&store).await;
    let (a, names): (AppId, Vec<EventId>) = (app("cli_a"), (0..50).map(event).collect());
    let accepts = join_all(names.iter().map(|id| store.accept(&a, id, "x", at(0))));
    let closes = store.close();
    let release = release_behind(&store, 51, release);
    let (accepted, (), ()) = tokio::join!(accepts, closes, release);
    assert!(accepted.into_iter().all(|result| result.unwrap() == Accepted::New));
    held.await.unwrap().unwrap();
    home.ended().await;
    let late = store.accept(&a, &event("late"), "x", at(0)).await;
    assert_eq!(late.unwrap_err(), StoreError::CLOSED);
    assert_eq!(store.ping().await.unwrap_err(), StoreError::CLOSED);
    store.close().await;
}

#[tokio::test]
async fn the_writer_ends_when_nobody_holds_the_store() {
    let home = Home::new();
    let store = home.open().await;
    drop(store.clone());
    store.ping().await.unwrap();
    drop(store);
    home.ended().await;
}
