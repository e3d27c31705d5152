//! A pair of tokens whose row had moved on when it came.

use sea_orm::entity::prelude::*;

use super::SealedColumn;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quarantined_pairs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub attempt: String,
    pub grant_id: String,
    pub consent_no: i64,
    pub generation: i64,
    pub access_sealed: SealedColumn,
    pub refresh_sealed: Option<SealedColumn>,
    pub access_expires_at: i64,
    pub refresh_expires_at: Option<i64>,
    pub scopes: String,
    pub subject: Option<String>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
