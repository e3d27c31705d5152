//! An app's session key with a person, and the one before it.

use sea_orm::entity::prelude::*;

use super::SealedColumn;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub app_id: String,
    pub subject: String,
    pub version: i64,
    pub key_sealed: SealedColumn,
    pub former_sealed: Option<SealedColumn>,
    pub changed_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
