//! Where the databases differ.

use std::collections::BTreeSet;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use sea_orm_migration::seaql_migrations;

/// A number that counts rows up and is their key. SQLite numbers rows by itself only where the type is `integer`.
pub(crate) fn sequence(backend: DbBackend, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::Sqlite => column.integer(),
        _ => column.big_integer().auto_increment(),
    };
    column.not_null().primary_key();
    column
}

/// The names of the applied migrations.
pub(crate) async fn applied(db: &DatabaseConnection) -> Result<BTreeSet<String>, DbErr> {
    let table = seaql_migrations::Entity.into_iden().to_string();
    if !SchemaManager::new(db).has_table(&table).await? {
        return Ok(BTreeSet::new());
    }
    let query = Query::select().column("version").from(Alias::new(&table)).to_owned();
    db.query_all(&query).await?.iter().map(|row| row.try_get("", "version")).collect()
}
