//! How the databases find what is due: by the index that was made for it, and never by reading everything.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, IntoActiveModel,
    QueryFilter as _, QueryResult, QueryTrait, Select, Statement,
};

use super::inbox::execute;
use super::*;
use crate::store::entity::grant::{ActiveModel, Entity, Model};
use crate::store::{due_grants, refresh_claims};

/// Enough that every planner sees that reading all of them is worse.
const STORED: i64 = 3_000;

/// A deadline is so many seconds after its due time.
const DEADLINE_AFTER: i64 = 10_000;

/// What the planner must not say.
const fn scan(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "Seq Scan",
        DbBackend::Sqlite => "SCAN",
        _ => "type=ALL",
    }
}

on_each_database!(what_is_due_is_found_by_its_index, what_is_urgent_is_found_past_what_is_only_due);

async fn what_is_due_is_found_by_its_index(home: Home) {
    let store = crowded(&home).await;
    assert_eq!(store.due_grants(&app("cli_a"), due_after(9), 1_000).await.unwrap().len(), 10, "ten are due");
    assert_plan(&store, due_grants::due(&app("cli_a"), due_after(9), 1_000), "grants_refresh_due").await;
}

async fn what_is_urgent_is_found_past_what_is_only_due(home: Home) {
    let store = crowded(&home).await;
    let (now, soon) = (due_after(DEADLINE_AFTER), due_after(DEADLINE_AFTER + 10));
    let urgent = store.urgent_grants(&app("cli_a"), now, soon, 1_000).await.unwrap();
    let ids: Vec<String> = urgent.iter().map(|due| due.id.to_string()).collect();
    assert_eq!(ids, (1..=10).map(|number| format!("copy-{number}")).collect::<Vec<_>>(), "all are due, ten are urgent");
    assert_plan(&store, due_grants::urgent(&app("cli_a"), now, soon, 1_000), "grants_refresh_deadline").await;
}

/// Only there is nobody else: a gateway that starts must not read all that is stored first.
#[tokio::test]
async fn what_a_crash_left_is_found_by_an_index() {
    let store = crowded(&Home::new()).await;
    let left = refresh_claims::left("me", &[app("cli_a")], due_after(9));
    assert_plan(&store, Entity::find().filter(left), "grants_refresh_due").await;
}

async fn crowded(home: &Home) -> Store {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    multiply(&store).await;
    store
}

async fn assert_plan(store: &Store, query: Select<Entity>, index: &str) {
    let backend = store.reads.get_database_backend();
    let plan = plan(&store.reads, query.build(backend)).await;
    assert!(plan.contains(index) && !plan.contains(scan(backend)), "{plan}");
}

/// When the grant of this number is due, and all before it.
const fn due_after(number: i64) -> Timestamp {
    at(1_000_000 + number)
}

/// Makes many of the one grant, each due a second after the one before, and lets the planner know.
async fn multiply(store: &Store) {
    let one = Entity::find_by_id("g1").one(&store.reads).await.unwrap().unwrap();
    let copies = store.write(move |scope| {
        Box::pin(async move {
            for some in (0..STORED).collect::<Vec<_>>().chunks(500) {
                let rows = some.iter().map(|number| copy(&one, *number));
                Entity::insert_many(rows).exec_without_returning(&scope.tx).await?;
            }
            Entity::delete_by_id("g1").exec(&scope.tx).await?;
            Ok(())
        })
    });
    copies.await.unwrap();
    match store.reads.get_database_backend() {
        DbBackend::Postgres => execute(store, "ANALYZE grants").await,
        DbBackend::MySql => execute(store, "ANALYZE TABLE grants").await,
        _ => {}
    }
}

fn copy(one: &Model, number: i64) -> ActiveModel {
    ActiveModel {
        id: Set(format!("copy-{number}")),
        subject: Set(format!("ou_copy_{number}")),
        refresh_due_at: Set(Some(due_after(number).as_micros())),
        refresh_deadline: Set(Some(due_after(number + DEADLINE_AFTER).as_micros())),
        ..one.clone().into_active_model().reset_all()
    }
}

/// What the database says it would do.
async fn plan(db: &DatabaseConnection, query: Statement) -> String {
    let explain = if query.db_backend == DbBackend::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    let explained = Statement { sql: format!("{explain} {}", query.sql), ..query };
    let backend = explained.db_backend;
    let rows = db.query_all_raw(explained).await.unwrap();
    rows.iter().map(|row| line(row, backend)).collect::<Vec<_>>().join("\n")
}

fn line(row: &QueryResult, backend: DbBackend) -> String {
    let text = |column: &str| row.try_get::<Option<String>>("", column).unwrap().unwrap_or_default();
    match backend {
        DbBackend::Sqlite => text("detail"),
        DbBackend::Postgres => text("QUERY PLAN"),
        _ => format!("type={} key={} {}", text("type"), text("key"), text("Extra")),
    }
}
