//! Opening: the schema, the keys, the file.

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

use super::*;

async fn raw(home: &Home) -> DatabaseConnection {
    Database::connect(home.config().url).await.unwrap()
}

async fn tables(db: &DatabaseConnection) -> Vec<String> {
    let query =
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let rows = db.query_all_raw(sea_orm::Statement::from_string(db.get_database_backend(), query)).await.unwrap();
    rows.iter().map(|row| row.try_get_by(0).unwrap()).collect()
}

#[tokio::test]
async fn migrations_go_up_and_down_and_up_again() {
    let home = Home::new();
    let db = raw(&home).await;
    Migrator::up(&db, None).await.unwrap();
    let full = tables(&db).await;
    assert!(full.len() > 15, "{full:?}");
    for left in (0..Migrator::migrations().len()).rev() {
        Migrator::down(&db, Some(1)).await.unwrap();
        let pending = migrations::state(&db).await.unwrap().pending.len();
        assert_eq!(pending, Migrator::migrations().len() - left, "one migration is undone at a time");
    }
    assert_eq!(tables(&db).await, ["seaql_migrations"]);
    Migrator::up(&db, None).await.unwrap();
    assert_eq!(tables(&db).await, full);
}

#[tokio::test]
async fn many_processes_that_start_at_once_migrate_once() {
    let home = Home::new();
    let opened = (0..4).map(|_| home.try_open(home.config(), KEY_1));
    for store in futures_util::future::join_all(opened).await {
        store.unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn refuses_a_schema_that_is_newer() {
    let home = Home::new();
    home.open().await.close().await;
    let sql = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000001_future', 0)";
    raw(&home).await.execute_unprepared(sql).await.unwrap();
    for migrate in [true, false] {
        let error = home.try_open(StoreConfig { migrate, ..home.config() }, KEY_1).await.unwrap_err();
        assert_eq!(error, StoreError::NewerSchema { migration: "m20991231_000001_future".to_owned() });
    }
}

#[tokio::test]
async fn says_that_migrations_are_pending() {
    let home = Home::new();
    let error = home.try_open(StoreConfig { migrate: false, ..home.config() }, KEY_1).await.unwrap_err();
    assert_eq!(error, StoreError::PendingMigrations { pending: Migrator::migrations().len() });
    home.open().await.close().await;
    home.try_open(StoreConfig { migrate: false, ..home.config() }, KEY_1).await.unwrap();
}

#[tokio::test]
async fn refuses_keys_that_are_not_the_ones_that_sealed() {
    let home = Home::new();
    home.open().await.close().await;
    let wrong = home.try_open(home.config(), "k1:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=").await.unwrap_err();
    assert_eq!(wrong, StoreError::WrongKey { key_id: "k1".to_owned() }, "E7");
    let missing = home.try_open(home.config(), KEY_2).await.unwrap_err();
    assert_eq!(missing, StoreError::MissingKey { key_id: "k1".to_owned() }, "E8");
}

#[tokio::test]
async fn takes_a_new_key_in_front_and_wants_it_from_then_on() {
    let home = Home::new();
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
    for url in ["postgres://db/cardkey", "sqlite::memory:", "sqlite://x?mode=memory", "", "sqlite://x?mode=wrong"] {
        let error = home
            .try_open(StoreConfig { url: url.to_owned(), migrate: true, plan: RefreshPlan::default() }, KEY_1)
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Url(_)), "{url}: {error:?}");
    }
}
