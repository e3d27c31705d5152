//! `auth_sessions.card_wanted_at`: when a card was first wanted for the session, which may be later than the session
//! was opened. Cards are limited per subject by it.

use sea_orm_migration::prelude::*;

const INDEX: &str = "auth_sessions_card_wanted";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new("card_wanted_at").big_integer().to_owned();
        manager.alter_table(Table::alter().table("auth_sessions").add_column(column).to_owned()).await?;
        let known = Query::update()
            .table("auth_sessions")
            .value("card_wanted_at", Expr::col("created_at"))
            .and_where(Expr::col("with_card").eq(true))
            .to_owned();
        manager.execute(known).await?;
        let index = Index::create()
            .name(INDEX)
            .table("auth_sessions")
            .col("app_id")
            .col("subject")
            .col("card_wanted_at")
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(INDEX).table("auth_sessions").to_owned()).await?;
        manager.alter_table(Table::alter().table("auth_sessions").drop_column("card_wanted_at").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
