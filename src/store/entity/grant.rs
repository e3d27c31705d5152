//! One grant.

use sea_orm::entity::prelude::*;

use super::SealedColumn;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "grants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub app_id: String,
    pub subject: String,
    pub tenant: Option<String>,
    pub name: Option<String>,
    pub mobile_sealed: Option<SealedColumn>,
    pub email_sealed: Option<SealedColumn>,
    pub consent_no: i64,
    pub generation: i64,
    pub status: String,
    pub scopes: String,
    pub access_sealed: SealedColumn,
    pub refresh_sealed: Option<SealedColumn>,
    pub obtained_at: i64,
    pub access_expires_at: i64,
    pub refresh_expires_at: Option<i64>,
    pub dead_code: Option<i64>,
    pub dead_word: Option<String>,
    pub dead_at: Option<i64>,
    pub refresh_state: String,
    pub refresh_fence: i64,
    pub refresh_tries: i32,
    pub refresh_owner: Option<String>,
    pub refresh_attempt: Option<String>,
    pub refresh_until: Option<i64>,
    pub refresh_due_at: Option<i64>,
    pub refresh_deadline: Option<i64>,
    pub used_at: Option<i64>,
    pub asked_by: Option<String>,
    pub asked_reason: Option<String>,
    pub asked_scopes: Option<String>,
    pub reask_due_at: Option<i64>,
    pub info_at: Option<i64>,
    pub identity_due_at: Option<i64>,
    pub expiry_due_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
