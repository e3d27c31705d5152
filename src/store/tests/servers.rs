//! What is particular to the servers: their URLs, the pool, collisions, several processes on one database.

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::inbox::execute;
use super::*;
use crate::store::engine::Engine as Kind;

/// Makes each function a test on each server.
macro_rules! on_each_server {
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(super::Home::on(super::Engine::Postgres)).await; })+
        }
        mod mariadb {
            $(#[tokio::test] async fn $name() { super::$name(super::Home::on(super::Engine::MariaDb)).await; })+
        }
    };
}

on_each_server!(
    of_many_processes_one_takes_each_event,
    of_many_processes_one_opens,
    a_deadlock_is_repeated_and_both_are_stored,
    sessions_on_the_server_are_set_up_as_we_need_them,
    texts_are_compared_by_their_bytes,
    the_pool_is_as_configured,
    a_connection_that_died_disturbs_nobody,
    the_pool_has_a_limit,
    a_statement_has_a_limit,
    leases_go_by_the_servers_clock,
    closing_finishes_what_runs_and_refuses_the_rest,
    an_operation_that_panics_is_undone,
    large_values_come_back_whole,
    tls_is_spoken_with_whom_the_authority_vouches_for,
);

async fn ask<T: sea_orm::TryGetable>(db: &DatabaseConnection, postgres: &str, mysql: &str) -> T {
    let backend = db.get_database_backend();
    let sql = if backend == DbBackend::Postgres { postgres } else { mysql };
    db.query_one_raw(Statement::from_string(backend, sql)).await.unwrap().unwrap().try_get_by(0).unwrap()
}

async fn of_many_processes_one_takes_each_event(home: Home) {
    let stores = join_all((0..4).map(|_| home.open())).await;
    let (a, ids): (AppId, Vec<EventId>) = (app("cli_a"), (0..25).map(event).collect());
    let accepts = stores.iter().flat_map(|store| ids.iter().map(|id| store.accept(&a, id, "x", at(0))));
    let new = join_all(accepts).await.into_iter().filter(|result| *result.as_ref().unwrap() == Accepted::New).count();
    assert_eq!(new, 25);
    let session = session("s1", "ou_1");
    stores[0].open_session(&session, 5, at(0)).await.unwrap();
    let tap = event("tap");
    let taps = stores.iter().map(|store| {
        let rejected = session.clone().rejected(at(1)).unwrap();
        store.accept_with(&a, &tap, "tap", at(1), rejected)
    });
    let taken: Vec<AcceptedWith> = join_all(taps).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(taken.iter().filter(|taken| matches!(taken, AcceptedWith::New(_))).count(), 1);
    assert_eq!(stores[3].accept(&a, &tap, "tap", at(1)).await.unwrap(), Accepted::Duplicate);
}

async fn of_many_processes_one_opens(home: Home) {
    let stores = join_all((0..4).map(|_| home.open())).await;
    let sessions: Vec<AuthSession> = (0..40).map(|number| session(&format!("s{number}"), "ou_1")).collect();
    let opens = sessions.iter().enumerate().map(|(number, session)| stores[number % 4].open_session(session, 5, at(0)));
    let opened: Vec<Open> = join_all(opens).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(opened.iter().filter(|open| matches!(open, Open::Created)).count(), 1);
    assert_eq!(opened.iter().filter(|open| matches!(open, Open::Exists(_))).count(), 39);
}

/// Two transactions that change two rows in opposite orders, each waiting until the other has its first row.
async fn a_deadlock_is_repeated_and_both_are_stored(home: Home) {
    let store = home.open().await;
    for (id, person) in [("s1", "ou_1"), ("s2", "ou_2")] {
        store.open_session(&session(id, person), 5, at(0)).await.unwrap();
    }
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let tries = Arc::new(AtomicU64::new(0));
    let cross = |first: &'static str, second: &'static str| {
        let (both, tries) = (Arc::clone(&both), Arc::clone(&tries));
        store.write(move |scope| {
            Box::pin(async move {
                add(scope, first).await?;
                if tries.fetch_add(1, Ordering::Relaxed) < 2 {
                    both.wait().await;
                }
                add(scope, second).await
            })
        })
    };
    let (one, other) = tokio::join!(cross("s1", "s2"), cross("s2", "s1"));
    one.unwrap();
    other.unwrap();
    assert_eq!(tries.load(Ordering::Relaxed), 3, "one of the two was repeated");
    for id in ["s1", "s2"] {
        let row: i64 = {
            let sql = format!("SELECT attempts FROM auth_sessions WHERE id = '{id}'");
            ask(&store.reads, &sql, &sql).await
        };
        assert_eq!(row, 2, "{id}: each once");
    }
}

async fn add(scope: &mut Scope, id: &str) -> Result<(), StoreError> {
    let sql = format!("UPDATE auth_sessions SET attempts = attempts + 1 WHERE id = '{id}'");
    scope.tx.execute_unprepared(&sql).await?;
    Ok(())
}

async fn sessions_on_the_server_are_set_up_as_we_need_them(home: Home) {
    let store = home.open().await;
    let isolation: String = ask(
        &store.reads,
        "SELECT REPLACE(UPPER(current_setting('transaction_isolation')), ' ', '-')",
        "SELECT @@SESSION.tx_isolation",
    )
    .await;
    assert_eq!(isolation, "READ-COMMITTED");
    let limits: String = ask(
        &store.reads,
        "SELECT current_setting('statement_timeout') || ' ' || current_setting('idle_in_transaction_session_timeout')",
        "SELECT CONCAT(ROUND(@@SESSION.max_statement_time), 's ', @@SESSION.idle_transaction_timeout, 's')",
    )
    .await;
    assert_eq!(limits, "30s 30s");
    let collation: String =
        ask(&store.reads, "SELECT current_setting('client_encoding')", "SELECT @@SESSION.collation_connection").await;
    assert!(["UTF8", "utf8mb4_bin"].contains(&collation.as_str()), "{collation}");
}

/// Every column that can be a key, of every table, also of tables that are made later.
async fn texts_are_compared_by_their_bytes(home: Home) {
    let store = home.open().await;
    let otherwise: Option<String> = ask(
        &store.reads,
        "SELECT string_agg(table_name || '.' || column_name, ', ') FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name <> 'seaql_migrations' \
         AND data_type = 'character varying' AND collation_name IS DISTINCT FROM 'C'",
        "SELECT GROUP_CONCAT(table_name, '.', column_name) FROM information_schema.columns \
         WHERE table_schema = DATABASE() AND table_name <> 'seaql_migrations' \
         AND collation_name IS NOT NULL AND collation_name <> 'utf8mb4_bin'",
    )
    .await;
    assert_eq!(otherwise, None);
    let engines: Option<String> = ask(
        &store.reads,
        "SELECT NULL::text",
        "SELECT GROUP_CONCAT(table_name) FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND engine <> 'InnoDB'",
    )
    .await;
    assert_eq!(engines, None);
    for (id, person) in [("A", "ou_a"), ("a", "ou_A"), ("ab", "ou_b")] {
        complete(&store, session(id, person), id, "x").await;
    }
    let all = store.list_grants(&[app("cli_a")].into(), None, None, None, 9).await.unwrap();
    let ids: Vec<&str> = all.iter().map(|facts| facts.id.as_str()).collect();
    assert_eq!(ids, ["A", "a", "ab"]);
}

async fn the_pool_is_as_configured(home: Home) {
    let pool = PoolConfig {
        size: 2,
        overflow: 3,
        pre_ping: false,
        recycle: Duration::from_secs(77),
        connect_timeout: Duration::from_secs(7),
        ..PoolConfig::default()
    };
    let store = home.try_open(StoreConfig { pool, ..home.config() }, KEY_1).await.unwrap();
    let facts = if store.reads.get_database_backend() == DbBackend::Postgres {
        let options = store.reads.get_postgres_connection_pool().options();
        (
            (options.get_min_connections(), options.get_max_connections()),
            options.get_test_before_acquire(),
            options.get_max_lifetime(),
            options.get_acquire_timeout(),
        )
    } else {
        let options = store.reads.get_mysql_connection_pool().options();
        (
            (options.get_min_connections(), options.get_max_connections()),
            options.get_test_before_acquire(),
            options.get_max_lifetime(),
            options.get_acquire_timeout(),
        )
    };
    assert_eq!(facts, ((2, 5), false, Some(Duration::from_secs(77)), Duration::from_secs(7)));
}

async fn a_connection_that_died_disturbs_nobody(home: Home) {
    let pool = PoolConfig { size: 1, overflow: 0, ..PoolConfig::default() };
    let store = home.try_open(StoreConfig { pool, ..home.config() }, KEY_1).await.unwrap();
    let id: i64 =
        ask(&store.reads, "SELECT CAST(pg_backend_pid() AS BIGINT)", "SELECT CAST(CONNECTION_ID() AS SIGNED)").await;
    match home.server.as_ref().unwrap().0 {
        Engine::Postgres => Engine::Postgres.administer(&format!("SELECT pg_terminate_backend({id}, 5000);")),
        Engine::MariaDb => Engine::MariaDb.administer(&format!("KILL CONNECTION {id};")),
    }
    let accepted = store.accept(&app("cli_a"), &event(1), "x", at(0)).await.unwrap();
    assert_eq!(accepted, Accepted::New);
}

async fn the_pool_has_a_limit(home: Home) {
    let pool = PoolConfig { size: 1, overflow: 1, connect_timeout: Duration::from_secs(3), ..PoolConfig::default() };
    let store = home.try_open(StoreConfig { pool, ..home.config() }, KEY_1).await.unwrap();
    let all = Arc::new(tokio::sync::Barrier::new(3));
    let held = (0..2).map(|_| {
        let all = Arc::clone(&all);
        store.write(move |_| {
            Box::pin(async move {
                all.wait().await;
                Ok(())
            })
        })
    });
    let third = async {
        let refused = store.accept(&app("cli_a"), &event(1), "x", at(0)).await;
        all.wait().await;
        refused
    };
    let (held, refused) = tokio::join!(join_all(held), third);
    assert_eq!(refused.unwrap_err(), StoreError::Unavailable("no connection"));
    assert!(held.into_iter().all(|held| held.is_ok()));
    assert_eq!(store.accept(&app("cli_a"), &event(1), "x", at(0)).await.unwrap(), Accepted::New);
}

async fn a_statement_has_a_limit(home: Home) {
    let pool = PoolConfig { statement_timeout: Duration::from_secs(1), ..home.config().pool };
    let store = home.try_open(StoreConfig { pool, ..home.config() }, KEY_1).await.unwrap();
    let (postgres, mysql) = ("SELECT pg_sleep(60)", "SELECT SLEEP(60) FROM (SELECT 1 UNION SELECT 2) AS two");
    let backend = store.reads.get_database_backend();
    let sql = if backend == DbBackend::Postgres { postgres } else { mysql };
    let error = store
        .write(move |scope| {
            Box::pin(async move {
                scope.tx.query_one_raw(Statement::from_string(backend, sql)).await?;
                Ok(())
            })
        })
        .await
        .unwrap_err();
    assert_eq!(error, StoreError::Unavailable("the operation failed"));
}

async fn leases_go_by_the_servers_clock(home: Home) {
    let store = home.open().await;
    let far = Timestamp::from_secs(9_999_999_999);
    let now = async || store.write(move |scope| Box::pin(async move { scope.lease_now(far).await })).await.unwrap();
    let (first, second) = (now().await, now().await);
    assert!(first < far && second >= first, "{first:?} {second:?}");
    assert!(second.since(first) < Duration::from_mins(1), "it is a clock in microseconds");
    let file = Home::new().open().await;
    let inside = file.write(move |scope| Box::pin(async move { scope.lease_now(far).await })).await.unwrap();
    assert_eq!(inside, far, "one process has one clock");
}

async fn closing_finishes_what_runs_and_refuses_the_rest(home: Home) {
    let store = home.open().await;
    let entered = Arc::new(tokio::sync::Barrier::new(2));
    let inside = Arc::clone(&entered);
    let writes = store.write(move |scope| {
        Box::pin(async move {
            inside.wait().await;
            scope.tx.execute_unprepared("INSERT INTO pinned_tenants VALUES ('cli_a', 't', 1)").await?;
            Ok(())
        })
    });
    let closes = async {
        entered.wait().await;
        store.close().await;
    };
    let (written, ()) = tokio::join!(writes, closes);
    written.unwrap();
    home.ended().await;
    let late = store.accept(&app("cli_a"), &event("late"), "x", at(0)).await;
    assert_eq!(late.unwrap_err(), StoreError::CLOSED);
    assert_eq!(store.ping().await.unwrap_err(), StoreError::CLOSED);
    store.close().await;
    let again = home.open().await;
    assert!(again.pinned_tenant(&app("cli_a")).await.unwrap().is_some());
}

async fn an_operation_that_panics_is_undone(home: Home) {
    let store = home.open().await;
    store.accept(&app("cli_a"), &event(1), "x", at(0)).await.unwrap();
    let broke = store
        .write::<(), _>(|scope| {
            Box::pin(async move {
                scope.tx.execute_unprepared("DELETE FROM inbox").await?;
                panic!("the operation is wrong")
            })
        })
        .await;
    assert_eq!(broke.unwrap_err(), StoreError::BROKE_OFF);
    assert_eq!(store.accept(&app("cli_a"), &event(1), "x", at(0)).await.unwrap(), Accepted::Duplicate);
}

async fn large_values_come_back_whole(home: Home) {
    let store = home.open().await;
    let mut session = session("s1", "ou_1");
    session.requesters = vec!["r".repeat(100_000)];
    session.way = Way::Paste(PasteFlow { state: secret(&"s".repeat(100_000)), verifier: secret("v") });
    store.open_session(&session, 5, at(0)).await.unwrap();
    let read = store.auth_session(&session.id).await.unwrap().unwrap();
    assert_eq!(read.requesters, session.requesters);
    let Way::Paste(flow) = read.way else { panic!() };
    assert_eq!(flow.state.expose().len(), 100_000);
    execute(&store, "DELETE FROM auth_sessions").await;
}

#[test]
fn urls_that_would_not_do_what_they_say_are_refused() {
    let config = |url: &str| StoreConfig {
        url: url.to_owned(),
        pool: PoolConfig::default(),
        migrate: true,
        plan: RefreshPlan::default(),
    };
    for url in [
        "",
        "cardkey.db",
        "oracle://db/cardkey",
        "mariadb://root@db/cardkey",
        "postgres://db",
        "mysql://db/",
        "postgres://db/cardkey?sslmod=require",
        "postgres://db/cardkey?sslmode=always",
        "postgres://db/cardkey?options=-cstatement_timeout=0",
        "mysql://db/cardkey?sslmode=require",
        "mysql://db/cardkey?ssl-mode=always",
        "mysql://db/cardkey?charset=latin1",
    ] {
        assert!(matches!(Kind::of(&config(url)), Err(StoreError::Url(_))), "{url}");
    }
    for url in [
        "postgres://u:p@db/cardkey",
        "postgresql://u@db:5433/cardkey?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "mysql://u:p@db:3307/cardkey?ssl-mode=VERIFY_IDENTITY&ssl-ca=/etc/ca.pem",
    ] {
        assert!(matches!(Kind::of(&config(url)), Ok(Kind::Server(_))), "{url}");
    }
    let printed = format!("{:?}", config("mysql://u:CANARY@db/cardkey"));
    assert!(!printed.contains("CANARY"), "{printed}");
}

#[tokio::test]
async fn tls_that_is_required_is_not_done_without() {
    for (engine, parameter) in [(Engine::Postgres, "sslmode=require"), (Engine::MariaDb, "ssl-mode=REQUIRED")] {
        let home = Home::new();
        let url = engine.database_in_clear();
        home.try_open(StoreConfig { url: url.clone(), ..home.config() }, KEY_1).await.unwrap().close().await;
        let url = format!("{url}?{parameter}");
        let error = home.try_open(StoreConfig { url, ..home.config() }, KEY_1).await.unwrap_err();
        assert_eq!(error, StoreError::Unavailable("no connection"), "{engine:?}");
    }
}

/// Certificates are checked where that is asked for: another authority than the server's is refused.
async fn tls_is_spoken_with_whom_the_authority_vouches_for(home: Home) {
    let (engine, url) = home.server.clone().unwrap();
    let (other, verify) = match engine {
        Engine::Postgres => (Engine::MariaDb, "sslmode=verify-full&sslrootcert="),
        Engine::MariaDb => (Engine::Postgres, "ssl-mode=VERIFY_IDENTITY&ssl-ca="),
    };
    let trusting = |authority: Engine| {
        let url = format!("{url}?{verify}{}", authority.authority().unwrap().display());
        home.try_open(StoreConfig { url, ..home.config() }, KEY_1)
    };
    let store = trusting(engine).await.unwrap();
    let cipher: String = ask(
        &store.reads,
        "SELECT COALESCE(cipher, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'",
    )
    .await;
    assert!(cipher.contains("AES") || cipher.contains("CHACHA"), "{cipher:?}");
    assert_eq!(trusting(other).await.unwrap_err(), StoreError::Unavailable("no connection"));
}
