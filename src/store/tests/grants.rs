//! Grants: a new consent wins, a late answer loses, tokens open only where they belong.

use std::collections::BTreeSet;

use sea_orm::EntityTrait as _;

use super::inbox::execute;
use super::*;
use crate::domain::grant::{GrantStatus, GrantVersion};
use crate::domain::platform_code::PlatformCode;
use crate::store::entity::grant::Entity;

on_each_database!(
    a_completed_session_leaves_a_grant,
    a_new_consent_keeps_the_id_and_raises_both_numbers,
    a_session_that_moved_on_brings_no_grant,
    a_refresh_is_stored_once_and_only_over_what_it_read,
    what_an_answer_leaves_out_is_kept,
    a_dead_or_deleted_grant_stays_so,
    a_word_ends_a_grant_like_a_number_and_a_late_pair_heals_it,
    grants_are_listed_page_by_page_and_only_of_own_apps,
    active_grants_are_counted,
    tokens_that_were_moved_do_not_open,
);

const FIRST: GrantVersion = GrantVersion { consent_no: 1, generation: 1 };

async fn a_completed_session_leaves_a_grant(home: Home) {
    let store = home.open().await;
    assert!(store.grant_id_for(&subject("ou_1")).await.unwrap().is_none());
    let facts = complete(&store, session("s1", "ou_1"), "g1", "one").await;
    assert_eq!((facts.id.as_str(), facts.version), ("g1", FIRST));
    assert_eq!(store.grant_id_for(&subject("ou_1")).await.unwrap(), Some(grant_id("g1")));
    let grant = store.grant(&subject("ou_1")).await.unwrap().unwrap();
    assert_eq!(grant.access.expose(), "u-CANARY-access-one");
    assert_eq!(grant.refresh.as_ref().unwrap().expose(), "ur-CANARY-refresh-one");
    assert_eq!(format!("{:?}", grant.facts), format!("{facts:?}"));
    assert_eq!(grant.facts.access_expires_at, at(2 + 7200));
    assert_eq!(grant.facts.refresh_expires_at, Some(at(2 + 7 * 24 * 3600)));
    let read = store.auth_session(&AuthSessionId::parse("s1").unwrap()).await.unwrap().unwrap();
    let State::Completed(completed) = read.state else { panic!() };
    assert_eq!((completed.grant.as_str(), completed.missing.to_string().as_str()), ("g1", "contact:user"));
    let by_id = store.grant_by_id(&grant_id("g1")).await.unwrap().unwrap();
    assert_eq!(by_id.access.expose(), grant.access.expose());
}

async fn a_new_consent_keeps_the_id_and_raises_both_numbers(home: Home) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    let dead = store.mark_needs_consent(&grant_id("g1"), FIRST, 20037.into(), at(3)).await.unwrap();
    assert!(dead);
    let facts = complete(&store, session("s2", "ou_1"), "another-id", "two").await;
    assert_eq!(facts.id.as_str(), "g1");
    assert_eq!(facts.version, GrantVersion { consent_no: 2, generation: 2 });
    let read = store.auth_session(&AuthSessionId::parse("s2").unwrap()).await.unwrap().unwrap();
    let State::Completed(completed) = read.state else { panic!() };
    assert_eq!(completed.grant.as_str(), "g1", "the session names the grant that is there");
    let grant = store.grant(&subject("ou_1")).await.unwrap().unwrap();
    assert_eq!((grant.facts.status, grant.access.expose()), (GrantStatus::Active, "u-CANARY-access-two"));
}

async fn a_session_that_moved_on_brings_no_grant(home: Home) {
    let store = home.open().await;
    let session = session("s1", "ou_1");
    store.open_session(&session, 5, at(0)).await.unwrap();
    stored(store.save_session(session.clone().rejected(at(1)).unwrap()).await.unwrap());
    let late = session.completed(grant_id("g1"), &ScopeSet::default(), at(2)).unwrap();
    assert!(matches!(store.complete_session(late, &tokens("x"), at(2)).await.unwrap(), Save::Lost));
    assert!(store.grant(&subject("ou_1")).await.unwrap().is_none());
    let open = super::session("s2", "ou_1");
    store.open_session(&open, 5, at(0)).await.unwrap();
    assert!(matches!(store.complete_session(open, &tokens("x"), at(2)).await.unwrap(), Save::Lost), "not completed");
}

async fn a_refresh_is_stored_once_and_only_over_what_it_read(home: Home) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    let id = grant_id("g1");
    let marks: Vec<String> = (0..50).map(|number| format!("r{number}")).collect();
    let refreshes = marks.iter().map(|mark| {
        let (store, id) = (store.clone(), id.clone());
        async move { store.save_refreshed(&id, FIRST, &answer(mark), at(100)).await.unwrap() }
    });
    let saved = futures_util::future::join_all(refreshes).await;
    let won: Vec<_> = saved
        .into_iter()
        .filter_map(|save| if let Save::Stored(won) = save { Some(won.grant) } else { None })
        .collect();
    assert_eq!(won.len(), 1, "I5");
    assert_eq!(won[0].facts.version, GrantVersion { consent_no: 1, generation: 2 });
    let read = store.grant_by_id(&id).await.unwrap().unwrap();
    assert_eq!(read.access.expose(), won[0].access.expose());
    assert_eq!(read.refresh.unwrap().expose(), won[0].refresh.as_ref().unwrap().expose(), "I6");
    assert_eq!((read.facts.obtained_at, read.facts.access_expires_at), (at(100), at(7300)));
    assert!(!store.mark_needs_consent(&id, FIRST, 20037.into(), at(101)).await.unwrap(), "I11");
    assert_eq!(store.grant_by_id(&id).await.unwrap().unwrap().facts.status, GrantStatus::Active);
    assert!(!store.delete_grant(&id, FIRST).await.unwrap());
}

async fn what_an_answer_leaves_out_is_kept(home: Home) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    let bare = TokenAnswer { refresh: None, scopes: ScopeSet::default(), ..answer("two") };
    let Refreshed { grant, healed } =
        stored(store.save_refreshed(&grant_id("g1"), FIRST, &bare, at(100)).await.unwrap());
    assert!(!healed, "it was well before");
    assert_eq!(grant.refresh.as_ref().unwrap().expose(), "ur-CANARY-refresh-one");
    assert_eq!(grant.facts.scopes.to_string(), "im:message");
    assert_eq!(grant.facts.refresh_expires_at, Some(at(2 + 7 * 24 * 3600)));
    let read = store.grant_by_id(&grant_id("g1")).await.unwrap().unwrap();
    assert_eq!(format!("{:?}", read.facts), format!("{:?}", grant.facts));
    assert_eq!(read.refresh.unwrap().expose(), "ur-CANARY-refresh-one");
}

async fn a_dead_or_deleted_grant_stays_so(home: Home) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    let id = grant_id("g1");
    assert!(store.mark_needs_consent(&id, FIRST, 20037.into(), at(3)).await.unwrap());
    assert!(!store.mark_needs_consent(&id, FIRST, 20037.into(), at(4)).await.unwrap(), "noted already");
    assert_eq!(store.grant_by_id(&id).await.unwrap().unwrap().facts.status, GrantStatus::NeedsConsent);
    assert!(store.delete_grant(&id, FIRST).await.unwrap());
    assert!(store.grant_by_id(&id).await.unwrap().is_none());
    assert!(!store.delete_grant(&id, FIRST).await.unwrap());
    assert!(matches!(store.save_refreshed(&id, FIRST, &answer("x"), at(5)).await.unwrap(), Save::Lost), "I13");
}

async fn a_word_ends_a_grant_like_a_number_and_a_late_pair_heals_it(home: Home) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    let id = grant_id("g1");
    let word = PlatformCode::clean("invalidParameter.authCode.notFound");
    assert!(store.mark_needs_consent(&id, FIRST, word, at(3)).await.unwrap());
    let row = Entity::find_by_id("g1").one(&store.reads).await.unwrap().unwrap();
    assert_eq!((row.dead_word.as_deref(), row.dead_code), (Some(word.as_str()), Some(0)));
    assert!(matches!(store.save_refreshed(&id, FIRST, &answer("two"), at(5)).await.unwrap(), Save::Stored(_)), "I13");
    let row = Entity::find_by_id("g1").one(&store.reads).await.unwrap().unwrap();
    assert_eq!((row.dead_word, row.dead_code), (None, None));
}

async fn grants_are_listed_page_by_page_and_only_of_own_apps(home: Home) {
    let store = home.open().await;
    for number in 0..5 {
        complete(&store, session(&format!("s{number}"), &format!("ou_{number}")), &format!("g{number}"), "x").await;
    }
    let foreign = AuthSession {
        subject: Subject { app: app("cli_b"), id: SubjectId::parse("ou_1").unwrap() },
        ..session("sb", "ou_1")
    };
    complete(&store, foreign, "gb", "x").await;
    let (a, b) = (app("cli_a"), app("cli_b"));
    let (both, only_a) = (BTreeSet::from([a.clone(), b.clone()]), BTreeSet::from([a.clone()]));
    let (person, g1) = (SubjectId::parse("ou_1").unwrap(), grant_id("g1"));
    let ids = async |apps: &BTreeSet<AppId>, app, subject, after, limit| -> Vec<String> {
        let listed = store.list_grants(apps, app, subject, after, limit).await.unwrap();
        listed.iter().map(|facts| facts.id.to_string()).collect()
    };
    assert_eq!(ids(&both, None, None, None, u64::MAX).await.len(), 6, "D14");
    assert_eq!(ids(&both, None, None, None, 99).await, ["g0", "g1", "g2", "g3", "g4", "gb"]);
    assert_eq!(ids(&only_a, None, None, Some(&g1), 2).await, ["g2", "g3"]);
    assert_eq!(ids(&both, Some(&b), None, None, 99).await, ["gb"]);
    assert_eq!(ids(&both, None, Some(&person), None, 99).await, ["g1", "gb"]);
    assert!(ids(&only_a, Some(&b), None, None, 99).await.is_empty(), "B2: not its app");
    assert!(ids(&BTreeSet::new(), None, None, None, 99).await.is_empty());
}

async fn active_grants_are_counted(home: Home) {
    let store = home.open().await;
    for number in 0..3 {
        complete(&store, session(&format!("s{number}"), &format!("ou_{number}")), &format!("g{number}"), "x").await;
    }
    let a = app("cli_a");
    assert_eq!(store.count_active_grants(&a, at(3)).await.unwrap(), 3);
    assert_eq!(store.count_active_grants(&a, at(9000)).await.unwrap(), 3, "a refresh gives the next token");
    assert_eq!(store.count_active_grants(&a, at(8 * 24 * 3600)).await.unwrap(), 0);
    store.mark_needs_consent(&grant_id("g0"), FIRST, 1.into(), at(3)).await.unwrap();
    assert_eq!(store.count_active_grants(&a, at(3)).await.unwrap(), 2);
    assert_eq!(store.count_active_grants(&app("cli_b"), at(3)).await.unwrap(), 0);
}

async fn tokens_that_were_moved_do_not_open(home: Home) {
    let damages = [
        (
            "E1",
            "UPDATE grants SET access_sealed = (SELECT access_sealed FROM grants WHERE id = 'g2') WHERE id = 'g1'",
            "access_sealed",
        ),
        ("E2", "UPDATE grants SET access_sealed = refresh_sealed WHERE id = 'g1'", "access_sealed"),
        ("E2", "UPDATE grants SET refresh_sealed = access_sealed WHERE id = 'g1'", "refresh_sealed"),
        ("E3", "UPDATE grants SET generation = generation + 1 WHERE id = 'g1'", "access_sealed"),
        ("E5", "UPDATE grants SET access_sealed = zeroblob(0) WHERE id = 'g1'", "access_sealed"),
    ];
    for (id, sql, column) in damages {
        let home = home.another();
        let store = home.open().await;
        complete(&store, session("s1", "ou_1"), "g1", "one").await;
        complete(&store, session("s2", "ou_2"), "g2", "two").await;
        execute(&store, sql).await;
        let error = store.grant_by_id(&grant_id("g1")).await.unwrap_err();
        assert_eq!(error, StoreError::Corrupt { table: "grants", column, id: "g1".to_owned() }, "{id}");
        assert!(store.grant_by_id(&grant_id("g2")).await.unwrap().is_some());
    }
}
