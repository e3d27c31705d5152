//! The inbox on a server: the unique key over app and event decides which event is new, between any number of
//! processes. Nothing is remembered in memory, so nothing bounds how many are kept but their age.

use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use crate::domain::clock::Timestamp;
use crate::store::error::StoreError;
use crate::store::inbox::{Accepted, InboxEvent};
use crate::store::inbox_rows::COLUMNS;

/// How many rows are deleted at once.
const CHUNK: u64 = 10_000;

/// Whether the event was taken before.
pub(super) async fn knows(tx: &DatabaseTransaction, event: &InboxEvent) -> Result<bool, StoreError> {
    let (app, id, _, _) = event.row();
    let query = Query::select()
        .column("seq")
        .from("inbox")
        .and_where(Expr::col("app_id").eq(app))
        .and_where(Expr::col("event_id").eq(id))
        .to_owned();
    Ok(tx.query_one(&query).await?.is_some())
}

/// Takes the event, unless it is known. Waits for another transaction that is about to take it.
pub(super) async fn insert(db: &impl ConnectionTrait, event: &InboxEvent) -> Result<Accepted, StoreError> {
    let (app, id, event_type, received_at) = event.row();
    let mut insert = Query::insert().into_table("inbox").columns(COLUMNS).to_owned();
    insert.values_panic([app.into(), id.into(), event_type.into(), Expr::value(received_at)]);
    if db.get_database_backend() == DbBackend::Postgres {
        // An error would end the transaction, and stand in the server's log.
        insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    }
    match db.execute(&insert).await.map_err(StoreError::from) {
        Ok(done) if done.rows_affected() == 0 => Ok(Accepted::Duplicate),
        Ok(_) => Ok(Accepted::New),
        Err(StoreError::Exists) => Ok(Accepted::Duplicate),
        Err(error) => Err(error),
    }
}

/// Forgets events that came before `before`, some thousands at most; says how many.
pub(super) async fn forget_before(tx: &DatabaseTransaction, before: Timestamp) -> Result<u64, StoreError> {
    let oldest = Query::select()
        .column("seq")
        .column("received_at")
        .from("inbox")
        .order_by("seq", Order::Asc)
        .limit(CHUNK)
        .to_owned();
    let mut last = None;
    for row in tx.query_all(&oldest).await? {
        let (seq, received_at): (i64, i64) = (row.try_get_by(0)?, row.try_get_by(1)?);
        if received_at >= before.as_micros() {
            break;
        }
        last = Some(seq);
    }
    let Some(last) = last else { return Ok(0) };
    let delete = Query::delete()
        .from_table("inbox")
        .and_where(Expr::col("seq").lte(last))
        .and_where(Expr::col("received_at").lt(before.as_micros()))
        .to_owned();
    Ok(tx.execute(&delete).await?.rows_affected())
}
