//! How the databases find what is due: by the index that was made for it, and never by reading everything.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, IntoActiveModel, QueryResult,
    QueryTrait, Statement,
};

use super::inbox::execute;
use super::*;
use crate::store::entity::grant::{ActiveModel, Entity, Model};
use crate::store::refresh_claims;

/// Enough that every planner sees that reading all of them is worse.
const STORED: usize = 3_000;

/// The index on app and due time.
const DUE_INDEX: &str = "grants_refresh_due";

on_each_database!(what_is_due_is_found_by_its_index);

async fn what_is_due_is_found_by_its_index(home: Home) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    multiply(&store).await;
    assert_eq!(store.due_grants(&app("cli_a"), due_after(9), 1_000).await.unwrap().len(), 10, "ten are due");
    let query = refresh_claims::due(&app("cli_a"), due_after(9), 1_000);
    let backend = store.reads.get_database_backend();
    let plan = plan(&store.reads, query.build(backend)).await;
    assert!(plan.contains(DUE_INDEX), "{plan}");
    let scan = match backend {
        DbBackend::Postgres => "Seq Scan",
        DbBackend::Sqlite => "SCAN",
        _ => "type=ALL",
    };
    assert!(!plan.contains(scan), "{plan}");
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

fn copy(one: &Model, number: usize) -> ActiveModel {
    ActiveModel {
        id: Set(format!("copy-{number}")),
        subject: Set(format!("ou_copy_{number}")),
        refresh_due_at: Set(Some(due_after(i64::try_from(number).unwrap()).as_micros())),
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
