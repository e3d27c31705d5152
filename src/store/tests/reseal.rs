//! Sealing everything anew: under a new first key, beside others who write, and what is left.

use super::*;
use crate::domain::caller::{ApiKey, Caller};
use crate::domain::ids::ApiKeyId;
use crate::store::sealed_columns::SEALED;
use crate::store::sealed_rows;
use crate::vault::KeyId;

const BOTH: fn() -> String = || format!("{KEY_2},{KEY_1}");

/// A store with everything in it that is sealed, opened by a gateway with a new key in front.
async fn with_new_key(home: &Home) -> Store {
    let store = home.open().await;
    secrets::fill(&store).await;
    store.close().await;
    let store = home.try_open(home.config(), &BOTH()).await.unwrap();
    store.take_up_sealing_key().await.unwrap();
    store
}

async fn ids(store: &Store) -> (Vec<String>, Vec<String>) {
    let used = store.key_use().await.unwrap();
    let names = |keys: Vec<&KeyId>| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    (names(used.keys()), names(used.removable().collect()))
}

#[tokio::test]
async fn everything_opens_with_the_new_key_alone() {
    let home = Home::new();
    let store = with_new_key(&home).await;
    let before = store.grant(&subject("ou_9")).await.unwrap().unwrap();
    let resealed = store.reseal(|_, _| ()).await.unwrap();
    for table in SEALED {
        let done = resealed[table.name];
        assert!(
            done.resealed >= 3 && done.right == 0 && done.lost == 0 && done.broken == 0,
            "{}: {done:?}",
            table.name
        );
    }
    store.revoke_api_key(&ApiKeyId::parse("0123456789ab").unwrap(), at(9)).await.unwrap();
    let used = store.key_use().await.unwrap();
    assert!(used.is_settled(), "{used:?}");
    store.forget_unused_keys(&used).await.unwrap();
    store.close().await;

    let store = home.try_open(home.config(), KEY_2).await.unwrap();
    let after = store.grant(&subject("ou_9")).await.unwrap().unwrap();
    assert_eq!((after.facts.version, after.access.expose()), (before.facts.version, before.access.expose()));
    assert_eq!(after.refresh.unwrap().expose(), before.refresh.unwrap().expose());
    assert_eq!(store.flow(&[1; 32]).await.unwrap().unwrap().verifier.expose(), "CANARY-flow-verifier");
    assert_eq!(store.exchanging_sessions(&[app("cli_a")], at(100), 99).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_right_already_is_left_alone() {
    let home = Home::new();
    let store = with_new_key(&home).await;
    let first = store.reseal(|_, _| ()).await.unwrap();
    let commits = store.commits();
    let second = store.reseal(|_, _| ()).await.unwrap();
    for (table, done) in second {
        assert_eq!((done.resealed, done.right), (0, first[table].resealed), "{table}");
    }
    assert_eq!(store.commits(), commits, "nothing was written");
}

#[tokio::test]
async fn many_rows_are_walked_page_by_page() {
    let home = Home::new();
    let store = home.open().await;
    let count = 2 * sealed_rows::ROWS + 50;
    for number in 0..count {
        complete(&store, session(&format!("s{number}"), &format!("ou_{number}")), &format!("g{number}"), "x").await;
    }
    store.close().await;
    let store = home.try_open(home.config(), &BOTH()).await.unwrap();
    let mut told = Vec::new();
    let resealed = store
        .reseal(|table, so_far| {
            if table == "grants" {
                told.push((so_far.rows, so_far.resealed));
            }
        })
        .await
        .unwrap();
    assert_eq!((resealed["grants"].rows, resealed["grants"].resealed), (count, 4 * count));
    assert_eq!(told, [(100, 400), (200, 800), (250, 1_000)]);
}

#[tokio::test]
async fn whoever_changes_the_row_meanwhile_wins() {
    let home = Home::new();
    let store = with_new_key(&home).await;
    let grants = SEALED.iter().find(|table| table.name == "grants").unwrap();
    let page = sealed_rows::page(&store.reads, grants, "").await.unwrap();
    let grant = store.grant(&subject("ou_9")).await.unwrap().unwrap();
    stored(store.save_refreshed(&grant.facts.id, grant.facts.version, &answer("three"), at(10)).await.unwrap());

    let mut done = TableResealed::default();
    store.reseal_page(grants, page, &mut done).await.unwrap();
    assert_eq!((done.rows, done.resealed, done.lost), (1, 0, 1));
    let grant = store.grant(&subject("ou_9")).await.unwrap().unwrap();
    assert_eq!(grant.refresh.unwrap().expose(), "ur-CANARY-refresh-three");

    let again = store.reseal(|_, _| ()).await.unwrap()["grants"];
    assert_eq!((again.resealed, again.right, again.lost), (2, 2, 0), "the refresh left the contact data as it was");
}

/// I22: the other way round, a refresh that read the row before it was sealed anew is not lost either.
#[tokio::test]
async fn a_refresh_under_way_is_stored_all_the_same() {
    let home = Home::new();
    let store = with_new_key(&home).await;
    let grant = store.grant(&subject("ou_9")).await.unwrap().unwrap();
    store.reseal(|_, _| ()).await.unwrap();
    stored(store.save_refreshed(&grant.facts.id, grant.facts.version, &answer("three"), at(10)).await.unwrap());
    let grant = store.grant(&subject("ou_9")).await.unwrap().unwrap();
    assert_eq!(grant.refresh.unwrap().expose(), "ur-CANARY-refresh-three");
}

#[tokio::test]
async fn a_value_that_does_not_open_is_counted_and_keeps_its_key() {
    let home = Home::new();
    let store = with_new_key(&home).await;
    let sql = "UPDATE grants SET access_sealed = (SELECT refresh_sealed FROM grants)";
    store
        .write(move |scope| {
            Box::pin(async move { Ok(sea_orm::ConnectionTrait::execute_unprepared(&scope.tx, sql).await?) })
        })
        .await
        .unwrap();
    let resealed = store.reseal(|_, _| ()).await.unwrap();
    assert_eq!((resealed["grants"].resealed, resealed["grants"].broken), (3, 1));
    assert_eq!(store.key_use().await.unwrap().left_in("grants"), 1);
    let (keys, removable) = ids(&store).await;
    assert_eq!((keys, removable), (vec!["k2".to_owned(), "k1".to_owned()], vec![]));
}

#[tokio::test]
async fn an_api_key_moves_to_the_new_key_when_it_is_used() {
    let home = Home::new();
    let store = with_new_key(&home).await;
    store.reseal(|_, _| ()).await.unwrap();
    assert_eq!(ids(&store).await.1, Vec::<String>::new(), "the API key needs k1 still");
    let id = ApiKeyId::parse("0123456789ab").unwrap();
    let (_, hash) = store.api_key(&id).await.unwrap().unwrap();
    let secret = secret("CANARY-api-key-secret");
    assert!(store.rebind_api_key(&hash, &secret).await.unwrap());
    assert!(!store.rebind_api_key(&hash, &secret).await.unwrap(), "only one of many at once does it");
    let (_, hash) = store.api_key(&id).await.unwrap().unwrap();
    assert!(!store.rebind_api_key(&hash, &secret).await.unwrap(), "and then it is done");
    assert!(store.verify_api_key(&hash, &secret));
    assert_eq!(ids(&store).await.1, ["k1"]);
}

#[tokio::test]
async fn only_a_gateway_takes_a_new_key_up() {
    let home = Home::new();
    home.open().await.close().await;
    let store = home.try_open(home.config(), &BOTH()).await.unwrap();
    assert!(!store.sealing_key_is_taken_up().await.unwrap());
    store.close().await;
    home.open().await.close().await;
    let store = home.try_open(home.config(), &BOTH()).await.unwrap();
    store.take_up_sealing_key().await.unwrap();
    assert!(store.sealing_key_is_taken_up().await.unwrap());
    store.close().await;
    assert_eq!(
        home.try_open(home.config(), KEY_1).await.unwrap_err(),
        StoreError::MissingKey { key_id: "k2".to_owned() }
    );
}

/// A removed proof does not come back while the old key is still in the ring.
#[tokio::test]
async fn a_forgotten_key_stays_forgotten() {
    let home = Home::new();
    home.open().await.close().await;
    for _ in 0..2 {
        let store = home.try_open(home.config(), &BOTH()).await.unwrap();
        store.take_up_sealing_key().await.unwrap();
        store.forget_unused_keys(&store.key_use().await.unwrap()).await.unwrap();
        store.close().await;
    }
    home.try_open(home.config(), KEY_2).await.unwrap();
}

/// E8: a rotation that was broken off half-way needs both keys, says so, and opens with both.
#[tokio::test]
async fn e8_half_way_both_keys_are_needed() {
    let home = Home::new();
    let store = with_new_key(&home).await;
    let sessions = SEALED.iter().find(|table| table.name == "auth_sessions").unwrap();
    let page = sealed_rows::page(&store.reads, sessions, "").await.unwrap();
    store.reseal_page(sessions, page, &mut TableResealed::default()).await.unwrap();
    store.forget_unused_keys(&store.key_use().await.unwrap()).await.unwrap();
    store.close().await;
    for (ring, missing) in [(KEY_1, "k2"), (KEY_2, "k1")] {
        let error = home.try_open(home.config(), ring).await.unwrap_err();
        assert_eq!(error, StoreError::MissingKey { key_id: missing.to_owned() });
    }
    let store = home.try_open(home.config(), &BOTH()).await.unwrap();
    assert!(store.grant(&subject("ou_9")).await.unwrap().is_some());
    assert_eq!(store.exchanging_sessions(&[app("cli_a")], at(100), 99).await.unwrap().len(), 3);
    let done = store.reseal(|_, _| ()).await.unwrap();
    assert!(done["auth_sessions"].right > 0 && done["auth_sessions"].resealed == 0, "{done:?}");
}

#[tokio::test]
async fn a_revoked_api_key_needs_no_key() {
    let home = Home::new();
    let store = home.open().await;
    let caller = Caller {
        key: ApiKeyId::parse("0123456789ab").unwrap(),
        name: "reports".to_owned(),
        apps: [app("cli_a")].into(),
        scopes: ScopeSet::default(),
    };
    let key = ApiKey { caller, created_at: at(0), revoked_at: None };
    store.create_api_key(&key, &secret("s")).await.unwrap();
    store.revoke_api_key(&key.caller.key, at(1)).await.unwrap();
    store.close().await;
    let store = home.try_open(home.config(), &BOTH()).await.unwrap();
    assert_eq!(ids(&store).await.1, ["k1"]);
}
