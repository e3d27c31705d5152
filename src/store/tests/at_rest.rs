//! Group E in the database itself: whoever can write to it and does not have the keys gets nothing to open, is noticed,
//! and harms only the row that they touched.

use sea_orm::{ConnectionTrait, Statement, Value};

use super::*;

/// Writes past the store.
async fn run(store: &Store, sql: &'static str, values: Vec<Value>) {
    let changed = store.write(move |scope| {
        Box::pin(async move {
            let backend = scope.tx.get_database_backend();
            let statement = Statement::from_sql_and_values(backend, sql, values);
            Ok(scope.tx.execute_raw(statement).await?.rows_affected())
        })
    });
    changed.await.unwrap();
}

async fn access_of(store: &Store, id: &str) -> Vec<u8> {
    let sql = "SELECT access_sealed FROM grants WHERE id = ?";
    let query = Statement::from_sql_and_values(store.reads.get_database_backend(), sql, [id.into()]);
    store.reads.query_one_raw(query).await.unwrap().unwrap().try_get_by(0).unwrap()
}

/// What is put into the column of `g1`, made of what stood there in the first generation, what stands there now, and what
/// stands in the row of `g2`.
type Forge = fn(first: &[u8], now: &[u8], other: &[u8]) -> Vec<u8>;

fn with(now: &[u8], position: usize, byte: u8) -> Vec<u8> {
    let mut bytes = now.to_vec();
    bytes[position] = byte;
    bytes
}

const FORGED: &[(&str, Forge)] = &[
    ("E1 of another row", |_, _, other| other.to_vec()),
    ("E3 of an older generation", |first, _, _| first.to_vec()),
    ("E4 version", |_, now, _| with(now, 0, now[0] ^ 1)),
    ("E4 length of the key id", |_, now, _| with(now, 1, now[1] ^ 1)),
    ("E4 key id", |_, now, _| with(now, 2, now[2] ^ 1)),
    ("E4 nonce", |_, now, _| with(now, 5, now[5] ^ 1)),
    ("E4 ciphertext", |_, now, _| with(now, 20, now[20] ^ 1)),
    ("E4 tag", |_, now, _| with(now, now.len() - 1, now[now.len() - 1] ^ 1)),
    ("E5 nothing", |_, _, _| Vec::new()),
    ("E5 half", |_, now, _| now[..now.len() / 2].to_vec()),
    ("E5 one byte less", |_, now, _| now[..now.len() - 1].to_vec()),
    ("E6 a version to come", |_, now, _| with(now, 0, 2)),
    ("E6 a key that is not there", |_, now, _| with(now, 3, b'9')),
];

async fn two_grants(home: &Home) -> Store {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    complete(&store, session("s2", "ou_2"), "g2", "two").await;
    store
}

async fn assert_only_g1_is_damaged(store: &Store, column: &'static str, row: &str) {
    let error = store.grant(&subject("ou_1")).await.unwrap_err();
    assert_eq!(error, StoreError::Corrupt { table: "grants", column, id: "g1".to_owned() }, "{row}");
    assert!(!format!("{error} {error:?}").contains("CANARY"), "{row}");
    let other = store.grant(&subject("ou_2")).await.unwrap().unwrap();
    assert_eq!(other.access.expose(), "u-CANARY-access-two", "{row}");
}

#[tokio::test]
async fn a_forged_value_opens_nowhere_and_is_named() {
    let home = Home::new();
    let store = two_grants(&home).await;
    let first = access_of(&store, "g1").await;
    let grant = store.grant(&subject("ou_1")).await.unwrap().unwrap();
    stored(store.save_refreshed(&grant.facts.id, grant.facts.version, &answer("new"), at(9)).await.unwrap());
    let (now, other) = (access_of(&store, "g1").await, access_of(&store, "g2").await);
    for (row, forge) in FORGED {
        let put = "UPDATE grants SET access_sealed = ? WHERE id = 'g1'";
        run(&store, put, vec![forge(&first, &now, &other).into()]).await;
        assert_only_g1_is_damaged(&store, "access_sealed", row).await;
        run(&store, put, vec![now.clone().into()]).await;
        assert!(store.grant(&subject("ou_1")).await.is_ok(), "{row}: and back again");
    }
}

#[tokio::test]
async fn e2_an_access_and_a_refresh_token_do_not_change_places() {
    let home = Home::new();
    let store = two_grants(&home).await;
    let swap = "UPDATE grants SET access_sealed = refresh_sealed, refresh_sealed = access_sealed WHERE id = 'g1'";
    run(&store, swap, Vec::new()).await;
    let error = store.grant(&subject("ou_1")).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { table: "grants", .. }), "{error}");
}

/// I21: a row's other columns bind its values, too.
#[tokio::test]
async fn i21_a_value_does_not_open_when_its_row_says_another_consent_or_generation() {
    for sql in [
        "UPDATE grants SET generation = generation + 1 WHERE id = 'g1'",
        "UPDATE grants SET consent_no = 2, generation = 2 WHERE id = 'g1'",
    ] {
        let home = Home::new();
        let store = two_grants(&home).await;
        run(&store, sql, Vec::new()).await;
        let error = store.grant(&subject("ou_1")).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { table: "grants", .. }), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_new_consent_heals_a_damaged_grant() {
    let home = Home::new();
    let store = two_grants(&home).await;
    run(&store, "UPDATE grants SET access_sealed = x'00', refresh_sealed = x'00' WHERE id = 'g1'", Vec::new()).await;
    assert_only_g1_is_damaged(&store, "access_sealed", "damaged").await;
    complete(&store, session("s3", "ou_1"), "g1", "again").await;
    let grant = store.grant(&subject("ou_1")).await.unwrap().unwrap();
    assert_eq!(grant.access.expose(), "u-CANARY-access-again");
}

/// E13: what holds a secret and is in a panic's message shows none.
#[tokio::test]
async fn e13_a_panic_shows_no_secret() {
    let home = Home::new();
    let store = two_grants(&home).await;
    let grant = store.grant(&subject("ou_1")).await.unwrap().unwrap();
    let holders: Vec<(&str, Box<dyn std::fmt::Debug + Send>)> = vec![
        ("Secret", Box::new(secret("CANARY"))),
        ("Grant", Box::new(grant)),
        ("TokenAnswer", Box::new(answer("x"))),
        ("VerifiedTokens", Box::new(tokens("x"))),
        ("paste", Box::new(paste())),
        ("Store", Box::new(store.clone())),
    ];
    for (name, holder) in holders {
        let broken = std::panic::AssertUnwindSafe(move || panic!("broken: {holder:?}"));
        let payload = std::panic::catch_unwind(broken).unwrap_err();
        let message = payload.downcast_ref::<String>().unwrap();
        assert!(message.starts_with("broken: "), "{name}: {message}");
        assert!(!message.contains("CANARY"), "{name}: {message}");
    }
}
