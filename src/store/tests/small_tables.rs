//! API keys, pinned tenants, housekeeping.

use super::inbox::execute;
use super::*;
use crate::domain::caller::{ApiKey, Caller};
use crate::domain::ids::{ApiKeyId, TenantKey};

on_each_database!(
    a_key_is_known_by_its_secret,
    the_hash_of_one_key_is_not_anothers,
    keys_outlive_a_rotation,
    a_key_is_revoked_once,
    the_first_tenant_stays,
    old_ended_sessions_go_with_their_flows,
    of_two_app_tokens_the_one_that_is_usable_longer_stays,
    an_app_token_is_sealed_for_its_app_and_its_end,
    a_session_key_is_kept_with_the_one_before,
    a_session_key_is_sealed_for_its_person_and_its_turn,
    session_keys_of_people_who_stay_away_go,
);

fn key(id: &str, created: i64) -> ApiKey {
    let caller = Caller {
        key: ApiKeyId::parse(id).unwrap(),
        name: "Reports, “weekly”".to_owned(),
        apps: [app("cli_a"), app("cli_b")].into(),
        scopes: ScopeSet::from_list("im:message contact:user"),
    };
    ApiKey { caller, created_at: at(created), revoked_at: None }
}

async fn a_key_is_known_by_its_secret(home: Home) {
    let store = home.open().await;
    let (first, second) = (key("0123456789ab", 1), key("ba9876543210", 0));
    store.create_api_key(&first, &secret("s3cret")).await.unwrap();
    store.create_api_key(&second, &secret("s3cret")).await.unwrap();
    let (read, hash) = store.api_key(&first.caller.key).await.unwrap().unwrap();
    assert_eq!(format!("{read:?}"), format!("{first:?}"));
    assert!(store.verify_api_key(&hash, &secret("s3cret")));
    for wrong in ["", "s3cre", "s3cret ", "S3cret", &"x".repeat(1_000_000)] {
        assert!(!store.verify_api_key(&hash, &secret(wrong)), "K3");
    }
    assert!(store.api_key(&ApiKeyId::parse("000000000000").unwrap()).await.unwrap().is_none());
    let listed: Vec<String> =
        store.list_api_keys().await.unwrap().iter().map(|key| key.caller.key.to_string()).collect();
    assert_eq!(listed, ["ba9876543210", "0123456789ab"]);
    let again = store.create_api_key(&first, &secret("other")).await.unwrap_err();
    assert_eq!(again, StoreError::Exists);
}

async fn the_hash_of_one_key_is_not_anothers(home: Home) {
    let store = home.open().await;
    let (first, second) = (key("0123456789ab", 1), key("ba9876543210", 0));
    store.create_api_key(&first, &secret("one")).await.unwrap();
    store.create_api_key(&second, &secret("two")).await.unwrap();
    let sql = "UPDATE api_keys SET secret_mac = (SELECT secret_mac FROM api_keys WHERE id = '0123456789ab')";
    inbox::execute(&store, sql).await;
    let (_, hash) = store.api_key(&second.caller.key).await.unwrap().unwrap();
    assert!(!store.verify_api_key(&hash, &secret("one")), "a mac is bound to its key's id");
}

async fn keys_outlive_a_rotation(home: Home) {
    let store = home.open().await;
    store.create_api_key(&key("0123456789ab", 1), &secret("s3cret")).await.unwrap();
    store.close().await;
    let store = home.try_open(home.config(), &format!("{KEY_2}\n{KEY_1}")).await.unwrap();
    let (_, hash) = store.api_key(&ApiKeyId::parse("0123456789ab").unwrap()).await.unwrap().unwrap();
    assert!(store.verify_api_key(&hash, &secret("s3cret")));
}

async fn a_key_is_revoked_once(home: Home) {
    let store = home.open().await;
    let id = ApiKeyId::parse("0123456789ab").unwrap();
    assert!(!store.revoke_api_key(&id, at(1)).await.unwrap(), "unknown");
    store.create_api_key(&key("0123456789ab", 1), &secret("s")).await.unwrap();
    assert!(store.revoke_api_key(&id, at(5)).await.unwrap());
    assert!(!store.revoke_api_key(&id, at(6)).await.unwrap());
    assert_eq!(store.api_key(&id).await.unwrap().unwrap().0.revoked_at, Some(at(5)));
}

async fn the_first_tenant_stays(home: Home) {
    let store = home.open().await;
    let tenants: Vec<TenantKey> = (0..20).map(|number| TenantKey::parse(&format!("t{number}")).unwrap()).collect();
    assert!(store.pinned_tenant(&app("cli_a")).await.unwrap().is_none());
    let a = app("cli_a");
    let pins = tenants.iter().map(|tenant| store.pin_tenant(&a, tenant, at(0)));
    let pinned = futures_util::future::join_all(pins).await;
    let first = store.pinned_tenant(&a).await.unwrap().unwrap();
    assert!(pinned.into_iter().all(|pin| pin.unwrap() == first));
    assert_eq!(store.pin_tenant(&app("cli_b"), &tenants[7], at(0)).await.unwrap(), tenants[7]);
}

async fn old_ended_sessions_go_with_their_flows(home: Home) {
    let store = home.open().await;
    for number in 0..5 {
        let session = session(&format!("s{number}"), &format!("ou_{number}"));
        store.open_session(&session, 5, at(0)).await.unwrap();
        let flow = Flow {
            state_hash: [u8::try_from(number).unwrap(); 32],
            auth_session: session.id.clone(),
            verifier: secret("v"),
            cookie_hash: [0; 32],
            created_at: at(0),
            burnt: false,
        };
        store.add_flow(&flow).await.unwrap();
        if number > 0 {
            stored(store.save_session(session.rejected(at(number)).unwrap()).await.unwrap());
        }
    }
    assert_eq!(store.sweep(Old::EndedSessions, at(3), Sweep::Count).await.unwrap(), 2);
    assert_eq!(store.sweep(Old::EndedSessions, at(3), Sweep::Delete).await.unwrap(), 2);
    assert_eq!(store.sweep(Old::EndedSessions, at(3), Sweep::Delete).await.unwrap(), 0);
    for number in 0_u8..5 {
        let kept = ![1, 2].contains(&number);
        let id = AuthSessionId::parse(&format!("s{number}")).unwrap();
        assert_eq!(store.auth_session(&id).await.unwrap().is_some(), kept, "{number}");
        assert_eq!(store.flow(&[number; 32]).await.unwrap().is_some(), kept, "{number}");
    }
}

async fn of_two_app_tokens_the_one_that_is_usable_longer_stays(home: Home) {
    let store = home.open().await;
    let holds = async |text: &str, until| {
        let (token, end) = store.app_token(&app("cli_a")).await.unwrap().unwrap();
        assert!(token.matches(text) && end == at(until), "{text}");
    };
    let keep = async |text, until, refused: Option<&str>| {
        let refused = refused.map(secret);
        store.keep_app_token(&app("cli_a"), &secret(text), at(until), refused.as_ref()).await.unwrap();
    };
    assert!(store.app_token(&app("cli_a")).await.unwrap().is_none());
    keep("one", 100, None).await;
    keep("shorter", 90, None).await;
    holds("one", 100).await;
    keep("longer", 110, None).await;
    holds("longer", 110).await;
    keep("other", 105, Some("one")).await;
    holds("longer", 110).await;
    keep("other", 105, Some("longer")).await;
    holds("other", 105).await;
    assert!(store.app_token(&app("cli_b")).await.unwrap().is_none());
}

async fn an_app_token_is_sealed_for_its_app_and_its_end(home: Home) {
    let store = home.open().await;
    let longer = ("UPDATE app_tokens SET usable_until = usable_until + 1", "cli_a");
    let moved = ("UPDATE app_tokens SET app_id = 'cli_b'", "cli_b");
    for (damage, app_id) in [longer, moved] {
        store.keep_app_token(&app("cli_a"), &secret("one"), at(100), None).await.unwrap();
        execute(&store, damage).await;
        let found = store.app_token(&app(app_id)).await;
        assert!(matches!(found, Err(StoreError::Corrupt { table: "app_tokens", .. })), "{damage}: {found:?}");
        store.keep_app_token(&app(app_id), &secret("two"), at(10), None).await.unwrap();
        assert!(store.app_token(&app(app_id)).await.unwrap().unwrap().0.matches("two"), "{damage}: any is better");
        execute(&store, "DELETE FROM app_tokens").await;
    }
}

async fn a_session_key_is_kept_with_the_one_before(home: Home) {
    let store = home.open().await;
    let (alice, bob) = (subject("ou_alice"), subject("ou_bob"));
    assert!(store.session_keys(&alice).await.unwrap().is_none());
    for (key, former) in
        [("one", None), ("one", None), ("two", Some("one")), ("two", Some("one")), ("three", Some("two"))]
    {
        let kept = store.keep_session_key(&alice, &secret(key), at(1)).await.unwrap();
        let read = store.session_keys(&alice).await.unwrap().unwrap();
        for keys in [kept, read] {
            assert_eq!((keys.current.expose(), keys.former.as_ref().map(Secret::expose)), (key, former));
        }
    }
    assert!(store.session_keys(&bob).await.unwrap().is_none());
    let keys: Vec<_> = (0..20).map(|number| secret(&format!("key-{number}"))).collect();
    let kept = futures_util::future::join_all(keys.iter().map(|key| store.keep_session_key(&bob, key, at(1)))).await;
    let formers = kept.iter().filter_map(|kept| kept.as_ref().unwrap().former.clone());
    let formers: std::collections::BTreeSet<String> = formers.map(|former| former.expose().to_owned()).collect();
    assert_eq!(formers.len(), 19, "however many log in at once, each key follows another one");
}

async fn a_session_key_is_sealed_for_its_person_and_its_turn(home: Home) {
    let store = home.open().await;
    let person = subject("ou_alice");
    let later = "UPDATE session_keys SET version = version + 1";
    let former = "UPDATE session_keys SET key_sealed = former_sealed";
    for damage in [later, former] {
        for key in ["one", "two"] {
            store.keep_session_key(&person, &secret(key), at(1)).await.unwrap();
        }
        execute(&store, damage).await;
        let found = store.session_keys(&person).await;
        assert!(matches!(found, Err(StoreError::Corrupt { table: "session_keys", .. })), "{damage}: {found:?}");
        let kept = store.keep_session_key(&person, &secret("three"), at(2)).await.unwrap();
        assert!(kept.former.is_none(), "{damage}: what does not open is given up");
    }
}

async fn session_keys_of_people_who_stay_away_go(home: Home) {
    let store = home.open().await;
    for (person, days) in [("ou_alice", 1), ("ou_bob", 9)] {
        store.keep_session_key(&subject(person), &secret("one"), at(days)).await.unwrap();
    }
    for (sweep, left) in [(Sweep::Count, true), (Sweep::Delete, false)] {
        assert_eq!(store.sweep(Old::SessionKeys, at(9), sweep).await.unwrap(), 1);
        assert_eq!(store.session_keys(&subject("ou_alice")).await.unwrap().is_some(), left);
        assert!(store.session_keys(&subject("ou_bob")).await.unwrap().is_some());
    }
}
