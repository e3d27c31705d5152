//! One auth session.

use sea_orm::entity::prelude::*;

use super::SealedColumn;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "auth_sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub app_id: String,
    pub subject: String,
    pub tenant: Option<String>,
    pub scopes: String,
    pub requesters: String,
    pub reason: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
    pub opened_at: Option<i64>,
    pub way: String,
    pub way_sealed: Option<SealedColumn>,
    pub poll_interval_secs: Option<i64>,
    pub next_poll_at: Option<i64>,
    pub poll_due_at: Option<i64>,
    pub attempts: i64,
    pub card_state: String,
    pub card_send_no: Option<i64>,
    pub card_message: Option<String>,
    pub card_shown: Option<String>,
    pub card_due_at: Option<i64>,
    pub with_card: bool,
    pub card_wanted_at: Option<i64>,
    pub state: String,
    pub ended_at: Option<i64>,
    pub grant_id: Option<String>,
    pub missing: Option<String>,
    pub failure: Option<String>,
    pub exchange_sealed: Option<SealedColumn>,
    pub exchanging_since: Option<i64>,
    pub open_key: Option<String>,
    pub let_go_at: Option<i64>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
