//! One job that runs once over all replicas.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub schedule: String,
    pub due_at: i64,
    pub owner: Option<String>,
    pub lease_until: Option<i64>,
    pub run_no: i64,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub succeeded_at: Option<i64>,
    pub counts: Option<String>,
    pub error: Option<String>,
    pub successes: i64,
    pub failures: i64,
    pub abandoned: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
