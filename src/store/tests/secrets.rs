//! E10: nothing secret lies in the files in clear, nor in what a server's own program writes of its database.

use super::*;
use crate::domain::caller::{ApiKey, Caller};
use crate::domain::ids::{ApiKeyId, AttemptId};

on_each_database!(nothing_prints_a_secret,);

pub(super) async fn fill(store: &Store) {
    for (number, way) in [Way::Redirect, device(at(5)), paste()].into_iter().enumerate() {
        let session = AuthSession { way, ..session(&format!("s{number}"), &format!("ou_{number}")) };
        store.open_session(&session, 5, at(0)).await.unwrap();
        store
            .add_flow(&Flow {
                state_hash: [1 + u8::try_from(number).unwrap(); 32],
                auth_session: session.id.clone(),
                verifier: secret("CANARY-flow-verifier"),
                cookie_hash: [9; 32],
                created_at: at(0),
                burnt: false,
            })
            .await
            .unwrap();
        let exchanging = session.exchanging(secret("CANARY-code"), secret("CANARY-code-verifier"), at(1)).unwrap();
        stored(store.save_session(exchanging).await.unwrap());
    }
    let facts = complete(store, session("s9", "ou_9"), "g9", "one").await;
    let spent = store.grant(&subject("ou_9")).await.unwrap().unwrap();
    stored(store.save_refreshed(&facts.id, facts.version, &answer("two"), at(9)).await.unwrap());
    for attempt in ["a1", "a2"] {
        store.set_aside(&AttemptId::parse(attempt).unwrap(), &spent, &answer("aside"), at(9)).await.unwrap();
    }
    for name in ["cli_a", "cli_b", "cli_c"] {
        store.keep_app_token(&app(name), &secret("t-CANARY-app-token"), at(99), None).await.unwrap();
    }
    for key in ["CANARY-session-key-1", "CANARY-session-key-2"] {
        for person in ["ou_1", "ou_2"] {
            store.keep_session_key(&subject(person), &secret(key), at(9)).await.unwrap();
        }
    }
    let caller = Caller {
        key: ApiKeyId::parse("0123456789ab").unwrap(),
        name: "reports".to_owned(),
        apps: [app("cli_a")].into(),
        scopes: ScopeSet::default(),
    };
    let key = ApiKey { caller, created_at: at(0), revoked_at: None };
    store.create_api_key(&key, &secret("CANARY-api-key-secret")).await.unwrap();
}

#[tokio::test]
async fn no_secret_lies_in_the_files() {
    let home = Home::new();
    let store = home.open().await;
    fill(&store).await;
    assert_clean(&home, &["", "-wal"]);
    store.close().await;
    assert_clean(&home, &[""]);
}

#[tokio::test]
async fn no_secret_lies_in_a_dump_of_postgres() {
    assert_clean_dump(Engine::Postgres).await;
}

#[tokio::test]
async fn no_secret_lies_in_a_dump_of_mariadb() {
    assert_clean_dump(Engine::MariaDb).await;
}

async fn assert_clean_dump(engine: Engine) {
    let home = Home::on(engine);
    let store = home.open().await;
    fill(&store).await;
    let bytes = engine.dump(&home.url());
    assert!(holds(&bytes, b"reports"), "the search finds what is not secret");
    assert!(
        holds(&bytes, b"k1") && !holds(&bytes, b"026b31"),
        "bytes stand in it as they are: the id of each value's key"
    );
    assert_holds_no_secret(&bytes, "the dump");
}

fn assert_clean(home: &Home, suffixes: &[&str]) {
    let mut found_something_else = false;
    for suffix in suffixes {
        let bytes = std::fs::read(home.file(suffix)).unwrap();
        found_something_else |= holds(&bytes, b"reports");
        assert_holds_no_secret(&bytes, suffix);
    }
    assert!(found_something_else, "the search finds what is not secret");
}

fn assert_holds_no_secret(bytes: &[u8], place: &str) {
    for needle in [&b"CANARY"[..], b"canary", &base64_of(b"CANARY"), b"43414e415259", b"43414E415259"] {
        assert!(!holds(bytes, needle), "{place} holds {}", String::from_utf8_lossy(needle));
    }
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The letters of base64 that do not depend on what stands before and after.
fn base64_of(bytes: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes).into_bytes()
}

async fn nothing_prints_a_secret(home: Home) {
    let store = home.open().await;
    fill(&store).await;
    let grant = store.grant(&subject("ou_9")).await.unwrap().unwrap();
    let flow = store.flow(&[1; 32]).await.unwrap().unwrap();
    let sessions = store.exchanging_sessions(&[app("cli_a")], at(100), 99).await.unwrap();
    let (_, hash) = store.api_key(&ApiKeyId::parse("0123456789ab").unwrap()).await.unwrap().unwrap();
    let printed = format!("{store:?} {grant:?} {flow:?} {sessions:?} {hash:?}");
    let printed = printed.replace("CANARY-USER", "");
    assert!(!printed.contains("CANARY"), "E12: {printed}");
}
