//! One try to refresh a grant.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_journal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub attempt: String,
    pub grant_id: String,
    pub consent_no: i64,
    pub generation: i64,
    pub fence: i64,
    pub tries: i32,
    pub owner: String,
    pub outcome: Option<String>,
    pub word: Option<String>,
    pub prepared_at: i64,
    pub ended_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
