//! What a platform calls a refusal may be a word: a column of text beside the one for the number, which an earlier version that
//! is still at work reads and writes. `grants.dead_code` also tells a refusal from the platform's own word, which has none.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// Table, the column of the number, the column of the word.
const COLUMNS: [(&str, &str, &str); 2] = [("grants", "dead_code", "dead_word"), ("refresh_journal", "code", "word")];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, number, word) in COLUMNS {
            // MariaDB keeps the columns of a run that broke off.
            if !manager.has_column(table, word).await? {
                let column = dialect::word(manager.get_database_backend(), word, 64);
                manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
            }
            manager.execute(backfill(table, number, word)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, _, word) in COLUMNS {
            manager.alter_table(Table::alter().table(table).drop_column(word).to_owned()).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// The numbers of before, as texts.
fn backfill(table: &'static str, number: &'static str, word: &'static str) -> UpdateStatement {
    Query::update()
        .table(table)
        .value(word, Expr::col(number).cast_as("char(20)"))
        .and_where(Expr::col(number).is_not_null())
        .to_owned()
}
