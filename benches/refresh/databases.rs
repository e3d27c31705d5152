//! The databases under measurement: a SQLite file, and servers of our own that wait for the disk as they do in production.
//! They are filled past the product, row by row as it would have written them, since it writes one consent at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardkey::app::OsRandom;
use cardkey::domain::clock::Timestamp;
use cardkey::domain::ids::{AppId, GrantId};
use cardkey::domain::refresh_plan::RefreshPlan;
use cardkey::store::{PoolConfig, Store, StoreConfig};
use cardkey::vault::{Keyring, Place, Vault};
use cardkey_engines::Engine;
use cardkey_sandbox::DEFAULT_APP_ID;
use sea_orm::sea_query::{Expr, InsertStatement, Query};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use tokio_util::task::TaskTracker;

pub(crate) const KEYRING: &str = "bench:YmVuY2gta2V5LWJlbmNoLWtleS1iZW5jaC1rZXktMzI=";

/// Rows of one statement, and statements of one transaction.
const ROWS: usize = 250;
const STATEMENTS: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::MariaDb];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MariaDb => "MariaDB",
        }
    }
}

/// One database.
pub(crate) struct Home {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    path: PathBuf,
}

/// A grant's row, as far as rows differ.
pub(crate) struct Row {
    pub(crate) id: GrantId,
    pub(crate) subject: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) obtained_at: Timestamp,
    pub(crate) access_ends: Timestamp,
    pub(crate) refresh_ends: Timestamp,
    pub(crate) due: Timestamp,
    pub(crate) deadline: Timestamp,
}

impl Home {
    /// An empty one, with its schema.
    pub(crate) async fn new(kind: Kind, folder: &Path, name: &str) -> Self {
        let path = folder.join(format!("{name}.db"));
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}?mode=rwc", path.display()),
            Kind::Postgres => Engine::Postgres.database_on_disk(),
            Kind::MariaDb => Engine::MariaDb.database_on_disk(),
        };
        let home = Self { kind, url, path };
        home.store().await.close().await;
        home
    }

    pub(crate) async fn store(&self) -> Store {
        let (url, plan) = (self.url.clone(), RefreshPlan::default());
        let config = StoreConfig { url, pool: PoolConfig::default(), migrate: true, plan };
        Store::open(config, vault(), &TaskTracker::new()).await.unwrap()
    }

    pub(crate) async fn raw(&self) -> DatabaseConnection {
        Database::connect(&self.url).await.unwrap()
    }

    /// Puts rows in, and lets the planner know.
    pub(crate) async fn fill(&self, rows: impl Iterator<Item = Row>) {
        let (db, vault) = (self.raw().await, vault());
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            let tx = db.begin().await.unwrap();
            for _ in 0..STATEMENTS {
                let some: Vec<Row> = rows.by_ref().take(ROWS).collect();
                if !some.is_empty() {
                    tx.execute(&insert(&vault, &some)).await.unwrap();
                }
            }
            tx.commit().await.unwrap();
        }
        let analyze = if self.kind == Kind::MariaDb { "ANALYZE TABLE grants" } else { "ANALYZE" };
        // SQLite is left as the product leaves it: without statistics.
        if self.kind != Kind::Sqlite {
            db.execute_unprepared(analyze).await.unwrap();
        }
        db.close().await.unwrap();
    }

    /// What the grants take on the disk, indexes included. For SQLite it is the whole file, which holds nothing else.
    pub(crate) async fn bytes(&self) -> u64 {
        let sql = match self.kind {
            Kind::Sqlite => return self.path.metadata().unwrap().len(),
            Kind::Postgres => "SELECT pg_total_relation_size('grants')",
            Kind::MariaDb => {
                "SELECT CAST(data_length + index_length AS SIGNED) FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name = 'grants'"
            }
        };
        let db = self.raw().await;
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap().unwrap();
        let bytes: i64 = row.try_get_by(0).unwrap();
        u64::try_from(bytes).unwrap()
    }

    /// How the database says that it finds what is due.
    pub(crate) async fn plan(&self, now: Timestamp) -> String {
        let db = self.raw().await;
        let (app, now) = (DEFAULT_APP_ID, now.as_micros());
        let columns = "id, tenant, consent_no, generation, access_expires_at, refresh_deadline";
        let query = format!(
            "SELECT {columns} FROM grants WHERE app_id = '{app}' AND refresh_due_at <= {now} \
             ORDER BY refresh_due_at LIMIT 1000"
        );
        let explain = if self.kind == Kind::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
        let statement = Statement::from_string(db.get_database_backend(), format!("{explain} {query}"));
        let rows = db.query_all_raw(statement).await.unwrap();
        let text = |row: &sea_orm::QueryResult, column: &str| {
            row.try_get::<Option<String>>("", column).unwrap().unwrap_or_default()
        };
        let line = |row: &sea_orm::QueryResult| match db.get_database_backend() {
            DbBackend::Sqlite => text(row, "detail"),
            DbBackend::Postgres => text(row, "QUERY PLAN"),
            _ => format!("type: {}, key: {}, {}", text(row, "type"), text(row, "key"), text(row, "Extra")),
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

pub(crate) fn vault() -> Vault {
    Vault::new(Keyring::parse(KEYRING).unwrap(), Arc::new(OsRandom))
}

pub(crate) fn app() -> AppId {
    AppId::parse(DEFAULT_APP_ID).unwrap()
}

const COLUMNS: [&str; 22] = [
    "id",
    "app_id",
    "subject",
    "name",
    "mobile_sealed",
    "email_sealed",
    "consent_no",
    "generation",
    "status",
    "scopes",
    "access_sealed",
    "refresh_sealed",
    "obtained_at",
    "access_expires_at",
    "refresh_expires_at",
    "refresh_state",
    "refresh_fence",
    "refresh_tries",
    "refresh_due_at",
    "refresh_deadline",
    "created_at",
    "updated_at",
];

fn insert(vault: &Vault, rows: &[Row]) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table("grants").columns(COLUMNS);
    for row in rows {
        insert.values_panic(values(vault, row));
    }
    insert
}

fn values(vault: &Vault, row: &Row) -> [Expr; 22] {
    let id = row.id.as_str();
    let sealed = |field, generation, text: &str| {
        let place = Place { table: "grants", row: id, field, consent_no: 1, generation };
        Expr::val(vault.seal(&place, text.as_bytes()).unwrap().into_bytes())
    };
    let at = |at: Timestamp| Expr::val(at.as_micros());
    [
        Expr::val(id),
        Expr::val(DEFAULT_APP_ID),
        Expr::val(row.subject.as_str()),
        Expr::val("王小明"),
        sealed("mobile_sealed", 0, "+8613800001234"),
        sealed("email_sealed", 0, "person1234@example.com"),
        Expr::val(1_i64),
        Expr::val(1_i64),
        Expr::val("active"),
        Expr::val("contact:user.base:readonly im:message offline_access"),
        sealed("access_sealed", 1, &row.access),
        sealed("refresh_sealed", 1, &row.refresh),
        at(row.obtained_at),
        at(row.access_ends),
        at(row.refresh_ends),
        Expr::val("idle"),
        Expr::val(0_i64),
        Expr::val(0_i32),
        at(row.due),
        at(row.deadline),
        at(row.obtained_at),
        at(row.obtained_at),
    ]
}
