//! The files: who may read them, where they cannot be, and what is left of them after a crash.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[tokio::test]
async fn files_are_for_our_eyes_only() {
    let home = Home::new();
    let deep = home.directory.path().join("new/deep/cardkey.db");
    let url = format!("sqlite://{}?mode=rwc", deep.display());
    let store = home.try_open(StoreConfig { url, ..home.config() }, KEY_1).await.unwrap();
    store.accept(&app("cli_a"), &event(1), "x", at(0)).await.unwrap();
    let folder = deep.parent().unwrap();
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
        names.push(entry.file_name().into_string().unwrap());
    }
    assert!(names.contains(&"cardkey.db-wal".to_owned()), "{names:?}");
}

#[tokio::test]
async fn says_which_file_cannot_be_used() {
    let home = Home::new();
    std::fs::write(home.file("-plain"), "").unwrap();
    std::fs::create_dir(home.file("")).unwrap();
    let below_a_file = home.file("-plain").join("cardkey.db");
    for path in [below_a_file, home.file("")] {
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let error = home.try_open(StoreConfig { url, ..home.config() }, KEY_1).await.unwrap_err();
        let StoreError::File { path: named, reason } = &error else { panic!("{error:?}") };
        assert_eq!(named, &path.display().to_string());
        assert!(!reason.is_empty());
    }
}

#[tokio::test]
async fn does_not_make_a_file_that_the_url_says_is_there() {
    let home = Home::new();
    let url = format!("sqlite://{}?mode=rw", home.file("").display());
    let error = home.try_open(StoreConfig { url, ..home.config() }, KEY_1).await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error:?}");
}

#[tokio::test]
async fn refuses_a_file_that_is_no_database() {
    let home = Home::new();
    std::fs::write(home.file(""), "this is a text, and long enough to be one ".repeat(100)).unwrap();
    assert!(home.try_open(home.config(), KEY_1).await.is_err());
}

/// What a process that is killed leaves is what is in its files at that moment: they are copied while it runs.
#[tokio::test]
async fn what_was_answered_survives_a_crash() {
    let (home, copy) = (Home::new(), Home::new());
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    for number in 0..300 {
        store.accept(&app("cli_a"), &event(number), "x", at(0)).await.unwrap();
    }
    for suffix in ["", "-wal"] {
        std::fs::copy(home.file(suffix), copy.file(suffix)).unwrap();
    }
    let after = copy.open().await;
    let grant = after.grant(&subject("ou_1")).await.unwrap().unwrap();
    assert_eq!(grant.refresh.unwrap().expose(), "ur-CANARY-refresh-one");
    for number in 0..300 {
        let accepted = after.accept(&app("cli_a"), &event(number), "x", at(0)).await.unwrap();
        assert_eq!(accepted, Accepted::Duplicate, "{number}");
    }
    assert_eq!(after.accept(&app("cli_a"), &event(300), "x", at(0)).await.unwrap(), Accepted::New);
}

#[tokio::test]
async fn the_database_is_set_up_to_be_durable() {
    let home = Home::new();
    let store = home.open().await;
    let wanted = [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("page_size", "16384")];
    for (name, value) in wanted {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        let found: String = store
            .write(move |scope| {
                Box::pin(async move {
                    let query = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
                    let row = sea_orm::ConnectionTrait::query_one_raw(&scope.tx, query).await?;
                    Ok(row.unwrap().try_get_by(0)?)
                })
            })
            .await
            .unwrap();
        assert_eq!(found, value, "{name}");
    }
}

#[tokio::test]
async fn readers_cannot_write() {
    let home = Home::new();
    let store = home.open().await;
    let error = sea_orm::ConnectionTrait::execute_unprepared(&store.reads, "DELETE FROM inbox").await.unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");
}
