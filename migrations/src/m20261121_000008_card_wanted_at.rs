//! `auth_sessions.card_wanted_at`: when a card was first wanted for the session, which may be later than the session
//! was opened. Cards are limited per subject by it.

use sea_orm_migration::prelude::*;

use crate::dialect;

const INDEX: &str = "auth_sessions_card_wanted";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // MariaDB keeps the column of a run that broke off.
        if !manager.has_column("auth_sessions", "card_wanted_at").await? {
            let column = ColumnDef::new("card_wanted_at").big_integer().to_owned();
            manager.alter_table(Table::alter().table("auth_sessions").add_column(column).to_owned()).await?;
        }
        let known = Query::update()
            .table("auth_sessions")
            .value("card_wanted_at", Expr::col("created_at"))
            .and_where(Expr::col("with_card").eq(true))
            .to_owned();
        manager.execute(known).await?;
        dialect::index(manager, "auth_sessions", INDEX, &["app_id", "subject", "card_wanted_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(INDEX).table("auth_sessions").to_owned()).await?;
        manager.alter_table(Table::alter().table("auth_sessions").drop_column("card_wanted_at").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
