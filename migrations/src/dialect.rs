//! Where the databases differ.
//!
//! Texts that are compared or sorted are compared by their bytes everywhere, as SQLite does it by itself: PostgreSQL is
//! told so column by column, MariaDB and MySQL table by table. Their default would take `E` for `e`.

use std::collections::BTreeSet;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use sea_orm_migration::seaql_migrations;

/// A new table.
pub(crate) fn table(backend: DbBackend, name: &'static str) -> TableCreateStatement {
    let mut table = Table::create().table(name).if_not_exists().to_owned();
    if backend == DbBackend::MySql {
        table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table
}

/// A short text that can be a key, or part of one.
pub(crate) fn word(backend: DbBackend, name: &'static str, characters: u32) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(characters);
    if backend == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

/// A text of any length. MariaDB's TEXT ends at 64 KB.
pub(crate) fn text(backend: DbBackend, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.custom("MEDIUMTEXT"),
        _ => column.text(),
    };
    column
}

/// Bytes of any length. MariaDB's BLOB ends at 64 KB.
pub(crate) fn blob(backend: DbBackend, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.custom("LONGBLOB"),
        _ => column.blob(),
    };
    column
}

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

/// Makes an index. MariaDB keeps what a migration that broke off had made, and knows no "if not exists" that MySQL knows.
pub(crate) async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    name: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::MySql && manager.has_index(table, name).await? {
        return Ok(());
    }
    let mut index = Index::create().name(name).table(table).if_not_exists().to_owned();
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
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
