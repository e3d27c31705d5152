//! Opening: the schema, the keys, the file.

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend};

use super::*;

on_each_database!(
    migrations_go_up_and_down_and_up_again,
    many_processes_that_start_at_once_migrate_once,
    refuses_a_schema_that_is_newer,
    says_that_migrations_are_pending,
    refuses_keys_that_are_not_the_ones_that_sealed,
    takes_a_new_key_in_front_and_wants_it_from_then_on,
);

async fn raw(home: &Home) -> DatabaseConnection {
    Database::connect(home.url()).await.unwrap()
}

/// The names of all tables, columns and indexes of ours.
async fn named(db: &DatabaseConnection) -> Vec<String> {
    let backend = db.get_database_backend();
    let query = match backend {
        DbBackend::Sqlite => {
            "SELECT m.name || '.' || COALESCE(c.name, '') AS named FROM sqlite_master m \
             LEFT JOIN pragma_table_info(m.name) c WHERE m.name NOT LIKE 'sqlite_%' ORDER BY named"
        }
        DbBackend::Postgres => {
            "SELECT table_name || '.' || column_name AS named FROM information_schema.columns \
             WHERE table_schema = 'public' UNION \
             SELECT indexname || '.' FROM pg_indexes WHERE schemaname = 'public' ORDER BY named"
        }
        _ => {
            "SELECT CONCAT(table_name, '.', column_name) AS named FROM information_schema.columns \
             WHERE table_schema = DATABASE() UNION \
             SELECT CONCAT(index_name, '.') FROM information_schema.statistics WHERE table_schema = DATABASE() \
             ORDER BY named"
        }
    };
    let rows = db.query_all_raw(sea_orm::Statement::from_string(backend, query)).await.unwrap();
    rows.iter().map(|row| row.try_get_by(0).unwrap()).collect()
}

async fn migrations_go_up_and_down_and_up_again(home: Home) {
    let db = raw(&home).await;
    Migrator::up(&db, None).await.unwrap();
    let full = named(&db).await;
    assert!(full.len() > 80, "{full:?}");
    for left in (0..Migrator::migrations().len()).rev() {
        Migrator::down(&db, Some(1)).await.unwrap();
        let pending = migrations::state(&db).await.unwrap().pending.len();
        assert_eq!(pending, Migrator::migrations().len() - left, "one migration is undone at a time");
    }
    let left = named(&db).await;
    let ours = |name: &&String| !name.starts_with("seaql_migrations") && *name != "PRIMARY.";
    assert!(!left.iter().any(|name| ours(&name)), "{left:?}");
    Migrator::up(&db, None).await.unwrap();
    assert_eq!(named(&db).await, full);
}

async fn many_processes_that_start_at_once_migrate_once(home: Home) {
    let opened = (0..4).map(|_| home.try_open(home.config(), KEY_1));
    for store in futures_util::future::join_all(opened).await {
        store.unwrap().ping().await.unwrap();
    }
}

async fn refuses_a_schema_that_is_newer(home: Home) {
    home.open().await.close().await;
    let sql = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000001_future', 0)";
    raw(&home).await.execute_unprepared(sql).await.unwrap();
    for migrate in [true, false] {
        let error = home.try_open(StoreConfig { migrate, ..home.config() }, KEY_1).await.unwrap_err();
        assert_eq!(error, StoreError::NewerSchema { migration: "m20991231_000001_future".to_owned() });
    }
}

async fn says_that_migrations_are_pending(home: Home) {
    let error = home.try_open(StoreConfig { migrate: false, ..home.config() }, KEY_1).await.unwrap_err();
    assert_eq!(error, StoreError::PendingMigrations { pending: Migrator::migrations().len() });
    home.open().await.close().await;
    home.try_open(StoreConfig { migrate: false, ..home.config() }, KEY_1).await.unwrap();
}

async fn refuses_keys_that_are_not_the_ones_that_sealed(home: Home) {
    home.open().await.close().await;
    let wrong = home.try_open(home.config(), "k1:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=").await.unwrap_err();
    assert_eq!(wrong, StoreError::WrongKey { key_id: "k1".to_owned() }, "E7");
    let missing = home.try_open(home.config(), KEY_2).await.unwrap_err();
    assert_eq!(missing, StoreError::MissingKey { key_id: "k1".to_owned() }, "E8");
}

async fn takes_a_new_key_in_front_and_wants_it_from_then_on(home: Home) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    store.close().await;
    let store = home.try_open(home.config(), &format!("{KEY_2},{KEY_1}")).await.unwrap();
    store.take_up_sealing_key().await.unwrap();
    let grant = store.grant(&subject("ou_1")).await.unwrap().unwrap();
    assert_eq!(grant.access.expose(), "u-CANARY-access-one");
    store.close().await;
    let error = home.try_open(home.config(), KEY_1).await.unwrap_err();
    assert_eq!(error, StoreError::MissingKey { key_id: "k2".to_owned() });
}

#[tokio::test]
async fn refuses_urls_that_are_no_file_of_ours() {
    let home = Home::new();
    for url in ["sqlite::memory:", "sqlite://x?mode=memory", "sqlite://x?mode=wrong", "sqlite:"] {
        let error = home.try_open(StoreConfig { url: url.to_owned(), ..home.config() }, KEY_1).await.unwrap_err();
        assert!(matches!(error, StoreError::Url(_)), "{url}: {error:?}");
    }
}
