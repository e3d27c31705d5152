//! Events: new once, whatever the order, the process or the clock.

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend};

use super::*;
use crate::store::inbox::InboxEvent;

on_each_database!(
    an_event_is_new_once,
    of_many_copies_at_once_exactly_one_is_new,
    batches_of_every_width_are_stored,
    events_are_known_after_a_restart,
    old_events_are_forgotten_and_young_ones_are_not,
    a_long_kind_is_cut_at_a_character,
);

async fn an_event_is_new_once(home: Home) {
    let store = home.open().await;
    let (a, b) = (app("cli_a"), app("cli_b"));
    assert_eq!(store.accept(&a, &event("e"), "x", at(0)).await.unwrap(), Accepted::New);
    assert_eq!(store.accept(&a, &event("e"), "y", at(9)).await.unwrap(), Accepted::Duplicate, "W23");
    assert_eq!(store.accept(&b, &event("e"), "x", at(0)).await.unwrap(), Accepted::New, "another app's event");
    assert_eq!(store.accept(&a, &event("E"), "x", at(0)).await.unwrap(), Accepted::New, "ids are compared by bytes");
}

async fn of_many_copies_at_once_exactly_one_is_new(home: Home) {
    let store = home.open().await;
    let (a, ids): (AppId, Vec<EventId>) = (app("cli_a"), (0..600).map(|n| event(n % 7)).collect());
    let results = join_all(ids.iter().map(|id| store.accept(&a, id, "x", at(0)))).await;
    let new = results.into_iter().filter(|result| *result.as_ref().unwrap() == Accepted::New).count();
    assert_eq!(new, 7);
    assert_eq!(count(&store).await, 7);
}

async fn batches_of_every_width_are_stored(home: Home) {
    let store = home.open().await;
    let a = app("cli_a");
    let mut total = 0;
    for width in [1, 2, 15, 16, 17, 31, 32, 100, 255, 256, 257, 500] {
        let ids: Vec<EventId> = (0..width).map(|n| event(format_args!("{width}-{n}"))).collect();
        let results = join_all(ids.iter().map(|id| store.accept(&a, id, "x", at(0)))).await;
        assert!(results.into_iter().all(|result| result.unwrap() == Accepted::New), "{width}");
        total += width;
        assert_eq!(count(&store).await, total, "{width}");
    }
}

async fn events_are_known_after_a_restart(home: Home) {
    let store = home.open().await;
    let a = app("cli_a");
    for number in 0..20 {
        store.accept(&a, &event(number), "x", at(number)).await.unwrap();
    }
    store.close().await;
    let store = home.open().await;
    assert_eq!(store.accept(&a, &event(7), "x", at(0)).await.unwrap(), Accepted::Duplicate);
    assert_eq!(store.accept(&a, &event(20), "x", at(0)).await.unwrap(), Accepted::New);
}

async fn old_events_are_forgotten_and_young_ones_are_not(home: Home) {
    let store = home.open().await;
    let (a, ids): (AppId, Vec<EventId>) = (app("cli_a"), (0..100).map(event).collect());
    for (number, id) in (0..).zip(&ids) {
        store.accept(&a, id, "x", at(number)).await.unwrap();
    }
    assert_eq!(store.sweep(Old::Events, at(60), Sweep::Count).await.unwrap(), 60);
    assert_eq!(count(&store).await, 100, "counting leaves them");
    assert_eq!(store.delete_inbox_before(at(60)).await.unwrap(), 60);
    assert_eq!(store.delete_inbox_before(at(60)).await.unwrap(), 0);
    assert_eq!(count(&store).await, 40);
    assert_eq!(store.accept(&a, &ids[60], "x", at(200)).await.unwrap(), Accepted::Duplicate);
    assert_eq!(store.accept(&a, &ids[59], "x", at(200)).await.unwrap(), Accepted::New);
}

#[tokio::test]
async fn more_than_can_be_remembered_pushes_out_the_oldest() {
    let home = Home::new();
    let store = home.open().await;
    store
        .write(|scope| {
            Box::pin(async move {
                scope.inbox.limit = 12_000;
                Ok(())
            })
        })
        .await
        .unwrap();
    let (a, ids): (AppId, Vec<EventId>) = (app("cli_a"), (0..12_001).map(event).collect());
    for some in ids.chunks(500) {
        join_all(some.iter().map(|id| store.accept(&a, id, "x", at(0)))).await;
    }
    assert_eq!(count(&store).await, 10_001);
    assert_eq!(store.accept(&a, &ids[2_000], "x", at(0)).await.unwrap(), Accepted::Duplicate);
    assert_eq!(store.accept(&a, &ids[1_999], "x", at(0)).await.unwrap(), Accepted::New);
}

#[tokio::test]
async fn forgetting_that_fails_changes_nothing() {
    let home = Home::new();
    let store = home.open().await;
    let (a, ids): (AppId, Vec<EventId>) = (app("cli_a"), (0..12).map(event).collect());
    for (number, id) in (0..10).zip(&ids) {
        store.accept(&a, id, "x", at(number)).await.unwrap();
    }
    let (app, extra) = (a.clone(), ids[10].clone());
    let failed = store.write(move |scope| {
        Box::pin(async move {
            scope.inbox.take(&scope.tx, &InboxEvent::new(&app, &extra, "x", at(10))).await?;
            assert_eq!(scope.inbox.forget_before(&scope.tx, at(5)).await?, 5);
            Err::<(), _>(StoreError::CLOSED)
        })
    });
    failed.await.unwrap_err();
    for id in &ids[..10] {
        assert_eq!(store.accept(&a, id, "x", at(11)).await.unwrap(), Accepted::Duplicate);
    }
    assert_eq!(store.accept(&a, &ids[10], "x", at(11)).await.unwrap(), Accepted::New);
    assert_eq!(store.delete_inbox_before(at(5)).await.unwrap(), 5);
    assert_eq!(store.accept(&a, &ids[4], "x", at(12)).await.unwrap(), Accepted::New, "the oldest went");
    assert_eq!(store.accept(&a, &ids[5], "x", at(12)).await.unwrap(), Accepted::Duplicate);
    assert_eq!(count(&store).await, 7);
}

#[tokio::test]
async fn one_process_at_a_time_takes_events() {
    let home = Home::new();
    let (first, second) = (home.open().await, home.open().await);
    let a = app("cli_a");
    first.accept(&a, &event(1), "x", at(0)).await.unwrap();
    assert!(second.claim_inbox().await.is_err());
    let refused = second.accept(&a, &event(1), "x", at(0)).await.unwrap_err();
    assert_eq!(refused, StoreError::Unavailable("another process takes events into it"));
    second.ping().await.unwrap();
    first.close().await;
    assert_eq!(second.accept(&a, &event(1), "x", at(0)).await.unwrap(), Accepted::Duplicate, "it takes over");
}

#[tokio::test]
async fn a_damaged_row_is_named_and_not_shown() {
    let home = Home::new();
    let store = home.open().await;
    store.accept(&app("cli_a"), &event(1), "x", at(0)).await.unwrap();
    execute(&store, "UPDATE inbox SET event_id = 'two words'").await;
    store.close().await;
    let error = home.open().await.accept(&app("cli_a"), &event(2), "x", at(0)).await.unwrap_err();
    assert_eq!(error, StoreError::Corrupt { table: "inbox", column: "event_id", id: "1".to_owned() });
}

async fn a_long_kind_is_cut_at_a_character(home: Home) {
    let store = home.open().await;
    store.accept(&app("cli_a"), &event(1), &"ü".repeat(100), at(0)).await.unwrap();
    assert_eq!(count(&store).await, 1);
}

async fn count(store: &Store) -> i64 {
    let query = sea_orm::Statement::from_string(store.reads.get_database_backend(), "SELECT COUNT(*) FROM inbox");
    store.reads.query_one_raw(query).await.unwrap().unwrap().try_get_by(0).unwrap()
}

/// Runs SQL in a write. `zeroblob(n)` is SQLite's name for so many zero bytes; the others have other ones.
pub(super) async fn execute(store: &Store, sql: &'static str) {
    let sql = match (store.reads.get_database_backend(), sql.split_once("zeroblob(")) {
        (DbBackend::Postgres, Some((before, rest))) => {
            format!("{before}decode(repeat('00', {}", rest.replacen(')', "), 'hex')", 1))
        }
        (DbBackend::MySql, Some((before, rest))) => format!("{before}REPEAT(CHAR(0), {rest}"),
        _ => sql.to_owned(),
    };
    store
        .write(move |scope| {
            Box::pin(async move {
                scope.tx.execute_unprepared(&sql).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
}
