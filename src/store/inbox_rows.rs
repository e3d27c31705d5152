//! The rows of the inbox: many in one statement, with few different statement texts, so that the database need not
//! parse them again.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement,
    StatementBuilder, Value,
};

use crate::domain::ids::{AppId, EventId};
use crate::store::digest;
use crate::store::error::StoreError;
use crate::store::inbox::InboxEvent;
use crate::store::sqlite;

pub(super) const COLUMNS: [&str; 4] = ["app_id", "event_id", "event_type", "received_at"];

/// The most rows of one statement, and the most statement texts: each is prepared once and takes 20 KB at the most.
pub(super) const WIDEST: usize = 128;

/// A row that was read.
pub(super) struct StoredEvent {
    pub(super) seq: i64,
    pub(super) hash: u128,
    pub(super) received_at: i64,
}

/// Writes rows; keeps the statement texts.
#[derive(Default)]
pub(super) struct Appender {
    texts: BTreeMap<usize, String>,
}

impl Appender {
    /// Up to [`WIDEST`] rows go in by one statement.
    pub(super) async fn append(&mut self, db: &impl ConnectionTrait, events: &[&InboxEvent]) -> Result<(), StoreError> {
        for events in events.chunks(WIDEST) {
            db.execute_raw(self.statement(db.get_database_backend(), events)).await?;
        }
        Ok(())
    }

    /// Up to [`WIDEST`] rows on a connection of SQLite. This is what every event costs, so no text is copied.
    pub(super) async fn append_at_once(
        &mut self,
        db: &DatabaseConnection,
        events: &[&InboxEvent],
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let rows = events.iter().map(|event| event.shared_row());
        Ok(sqlite::execute(db, self.text(DbBackend::Sqlite, events.len()), rows).await?)
    }

    fn statement(&mut self, backend: DbBackend, events: &[&InboxEvent]) -> Statement {
        let text = self.text(backend, events.len()).to_owned();
        Statement::from_sql_and_values(backend, text, events.iter().flat_map(|event| values(event)))
    }

    fn text(&mut self, backend: DbBackend, rows: usize) -> &str {
        self.texts.entry(rows).or_insert_with(|| {
            let mut insert = Query::insert().into_table("inbox").columns(COLUMNS).to_owned();
            for _ in 0..rows {
                insert.values_panic([1, 2, 3, 4].map(Expr::value));
            }
            StatementBuilder::build(&insert, &backend).sql
        })
    }
}

fn values(event: &InboxEvent) -> [Value; 4] {
    let (app, id, event_type, received_at) = event.row();
    [app.into(), id.into(), event_type.into(), received_at.into()]
}

/// The oldest rows after `seq`, in the order of their coming.
pub(super) async fn oldest(tx: &DatabaseTransaction, seq: i64, limit: u64) -> Result<Vec<StoredEvent>, StoreError> {
    let query = Query::select()
        .columns(["seq", "app_id", "event_id", "received_at"])
        .from("inbox")
        .and_where(Expr::col("seq").gt(seq))
        .order_by("seq", Order::Asc)
        .limit(limit)
        .to_owned();
    tx.query_all(&query).await?.iter().map(StoredEvent::read).collect()
}

/// The `n`th row of all, in the order of their coming; none if there are fewer.
pub(super) async fn nth_oldest(tx: &DatabaseTransaction, n: u64) -> Result<Option<i64>, StoreError> {
    let query = Query::select()
        .column("seq")
        .from("inbox")
        .order_by("seq", Order::Asc)
        .limit(1)
        .offset(n.saturating_sub(1))
        .to_owned();
    Ok(tx.query_one(&query).await?.map(|row| row.try_get_by(0)).transpose()?)
}

/// Deletes the rows up to `seq`.
pub(super) async fn delete_up_to(tx: &DatabaseTransaction, seq: i64) -> Result<u64, StoreError> {
    let delete = Query::delete().from_table("inbox").and_where(Expr::col("seq").lte(seq)).to_owned();
    Ok(tx.execute(&delete).await?.rows_affected())
}

impl StoredEvent {
    fn read(row: &QueryResult) -> Result<Self, StoreError> {
        let (seq, app, event, received_at) = Self::columns(row)?;
        let corrupt = |column| StoreError::Corrupt { table: "inbox", column, id: seq.to_string() };
        let app = AppId::parse(&app).map_err(|_| corrupt("app_id"))?;
        let event = EventId::parse(&event).map_err(|_| corrupt("event_id"))?;
        Ok(Self { seq, hash: digest::event(&app, &event), received_at })
    }

    fn columns(row: &QueryResult) -> Result<(i64, String, String, i64), DbErr> {
        Ok((row.try_get_by(0)?, row.try_get_by(1)?, row.try_get_by(2)?, row.try_get_by(3)?))
    }
}
