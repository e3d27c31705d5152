//! Reading the sealed columns of any table page by page, and replacing values in one row.

use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use crate::store::error::StoreError;
use crate::store::sealed_columns::{RowVersion, SealedTable};
use crate::vault::Sealed;

/// How many rows are read, and at the most changed, at once: others wait behind such a change.
pub(super) const ROWS: u64 = 100;

/// A row with its sealed values, in the order of the table's columns.
pub(super) struct SealedRow {
    pub(super) version: RowVersion,
    pub(super) values: Vec<Option<Sealed>>,
}

/// A value that is to take the place of another.
#[derive(Clone)]
pub(super) struct Replacement {
    pub(super) column: &'static str,
    pub(super) old: Sealed,
    pub(super) new: Sealed,
}

/// The next rows behind `after`, in the order of their keys.
pub(super) async fn page(
    db: &impl ConnectionTrait,
    table: &SealedTable,
    after: &str,
) -> Result<Vec<SealedRow>, StoreError> {
    let counted = [table.consent_no, table.generation];
    let query = Query::select()
        .column(table.key)
        .columns(counted.into_iter().flatten())
        .columns(table.columns.iter().map(|(column, _)| *column))
        .from(table.name)
        .and_where(Expr::col(table.key).gt(after))
        .order_by(table.key, Order::Asc)
        .limit(ROWS)
        .to_owned();
    let rows = db.query_all(&query).await?;
    Ok(rows.iter().map(|row| read(table, row)).collect::<Result<_, DbErr>>()?)
}

fn read(table: &SealedTable, row: &QueryResult) -> Result<SealedRow, DbErr> {
    let count = |column: Option<&str>| column.map_or(Ok(0), |column| row.try_get("", column));
    let value = |(column, _): &(&str, _)| Ok(row.try_get::<Option<Vec<u8>>>("", column)?.map(Sealed::from_bytes));
    Ok(SealedRow {
        version: RowVersion {
            key: row.try_get("", table.key)?,
            consent_no: count(table.consent_no)?,
            generation: count(table.generation)?,
        },
        values: table.columns.iter().map(value).collect::<Result<_, DbErr>>()?,
    })
}

/// Replaces values of a row, if neither they nor what they are bound to has changed; whether it did.
pub(super) async fn replace(
    db: &impl ConnectionTrait,
    table: &SealedTable,
    row: &RowVersion,
    values: Vec<Replacement>,
) -> Result<bool, StoreError> {
    let mut update = Query::update().table(table.name).and_where(Expr::col(table.key).eq(row.key.as_str())).to_owned();
    for (column, count) in [(table.consent_no, row.consent_no), (table.generation, row.generation)] {
        if let Some(column) = column {
            update.and_where(Expr::col(column).eq(count));
        }
    }
    for Replacement { column, old, new } in values {
        update.and_where(Expr::col(column).eq(old.into_bytes())).value(column, new.into_bytes());
    }
    Ok(db.execute(&update).await?.rows_affected() == 1)
}
