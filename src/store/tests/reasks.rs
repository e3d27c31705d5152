//! Asking again for dead grants: found by index, one asker, and never besides another question.

use super::inbox::execute;
use super::*;
use crate::domain::auth_session::StateName;
use crate::domain::grant::GrantVersion;

on_each_database!(
    a_pair_that_comes_late_is_noted_until_the_question_was_looked_after,
    a_question_is_taken_back_with_the_mark_or_neither,
    a_grant_that_dies_once_more_is_asked_for_again,
);

const FIRST: GrantVersion = GrantVersion { consent_no: 1, generation: 1 };

/// A store with one dead grant, `g1` of `ou_1`, dead since `at(100)`.
async fn dead(home: &Home) -> Store {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    assert!(store.mark_needs_consent(&grant_id("g1"), FIRST, 20037.into(), at(100)).await.unwrap());
    store
}

async fn due(store: &Store, now: Timestamp) -> Vec<DueReask> {
    store.reasks_due(&[app("cli_a")], now, 10).await.unwrap()
}

fn with_card(id: &str, created_at: Timestamp) -> AuthSession {
    AuthSession { card: CardDelivery::Sending { send_no: 1 }, created_at, ..session(id, "ou_1") }
}

#[tokio::test]
async fn a_dead_grant_is_due_with_what_was_asked_last() {
    let home = Home::new();
    let store = dead(&home).await;
    assert!(due(&store, at(99)).await.is_empty());
    let found = due(&store, at(100)).await;
    let asked = found[0].asked.as_ref().unwrap();
    let question = session("s1", "ou_1");
    assert_eq!((&asked.requesters, &asked.reason), (&question.requesters, &question.reason));
    assert_eq!(asked.scopes.to_string(), question.scopes.to_string());
    assert_eq!(found[0].subject, question.subject);
    assert!(store.reasks_due(&[app("cli_b")], at(100), 10).await.unwrap().is_empty(), "of another app");
    store.put_reask_off(&found[0], Some(at(200))).await.unwrap();
    assert!(due(&store, at(199)).await.is_empty());
    assert_eq!(due(&store, at(200)).await.len(), 1);
    execute(&store, "UPDATE grants SET asked_by = NULL").await;
    assert!(due(&store, at(200)).await[0].asked.is_none(), "a grant older than this being kept");
    store.put_reask_off(&found[0], None).await.unwrap();
    assert!(due(&store, at(9_999)).await.is_empty());
}

#[tokio::test]
async fn of_many_replicas_that_found_it_one_asks() {
    let home = Home::new();
    let store = dead(&home).await;
    let found = due(&store, at(100)).await.remove(0);
    let asks = (0..20).map(|number| {
        let (store, found) = (store.clone(), found.clone());
        async move {
            let session = with_card(&format!("r{number}"), at(100));
            let open = store.reopen_session(&found, &session, 5, at(100)).await.unwrap();
            // The person answers at once: the session is out of the next one's way.
            if matches!(open, Some(Open::Created)) {
                stored(store.save_session(session.rejected(at(101)).unwrap()).await.unwrap());
                return true;
            }
            false
        }
    });
    let asked = futures_util::future::join_all(asks).await;
    assert_eq!(asked.iter().filter(|asked| **asked).count(), 1, "I26");
    assert!(due(&store, at(9_999)).await.is_empty(), "who rejects is not asked again");
}

#[tokio::test]
async fn any_question_that_is_put_meanwhile_is_the_asking() {
    let home = Home::new();
    let store = dead(&home).await;
    let found = due(&store, at(100)).await.remove(0);
    let question = session("s2", "ou_1");
    assert!(matches!(store.open_session(&question, 5, at(100)).await.unwrap(), Open::Created));
    assert!(due(&store, at(9_999)).await.is_empty());
    let late = store.reopen_session(&found, &with_card("r", at(101)), 5, at(101)).await.unwrap();
    assert!(late.is_none(), "{late:?}");
}

#[tokio::test]
async fn a_question_that_stands_is_the_asking_and_a_limit_puts_it_off() {
    let home = Home::new();
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    let standing = with_card("s2", at(90));
    store.open_session(&standing, 5, at(90)).await.unwrap();
    assert!(store.mark_needs_consent(&grant_id("g1"), FIRST, 20037.into(), at(100)).await.unwrap());
    let found = due(&store, at(100)).await.remove(0);
    stored(store.save_session(standing.rejected(at(100)).unwrap()).await.unwrap());
    let limited = store.reopen_session(&found, &with_card("r", at(100)), 1, at(100)).await.unwrap();
    assert!(matches!(limited, Some(Open::TooMany { .. })), "{limited:?}");
    assert!(due(&store, at(149)).await.is_empty());
    assert_eq!(due(&store, at(150)).await.len(), 1, "a minute after the last card");
    store.open_session(&AuthSession { card: CardDelivery::None, ..session("s3", "ou_2") }, 5, at(150)).await.unwrap();
    assert_eq!(due(&store, at(150)).await.len(), 1, "another person's question changes nothing");
}

#[tokio::test]
async fn a_new_consent_needs_no_asking() {
    let home = Home::new();
    let store = dead(&home).await;
    let found = due(&store, at(100)).await.remove(0);
    complete(&store, session("s2", "ou_1"), "g1", "two").await;
    assert!(due(&store, at(9_999)).await.is_empty());
    assert!(store.reopen_session(&found, &with_card("r", at(101)), 5, at(101)).await.unwrap().is_none());
}

async fn healed(store: &Store) -> Vec<String> {
    let healed = store.healed_grants(&[app("cli_a")], 10).await.unwrap();
    healed.iter().map(|facts| facts.id.to_string()).collect()
}

async fn a_pair_that_comes_late_is_noted_until_the_question_was_looked_after(home: Home) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    assert!(store.mark_needs_consent(&grant_id("g1"), FIRST, 20037.into(), at(100)).await.unwrap());
    assert!(healed(&store).await.is_empty());
    let saved = stored(store.save_refreshed(&grant_id("g1"), FIRST, &answer("late"), at(101)).await.unwrap());
    assert!(saved.healed);
    assert!(due(&store, at(9_999)).await.is_empty(), "nobody is to be asked any more");
    assert_eq!(healed(&store).await, ["g1"]);
    assert!(store.healed_grants(&[app("cli_b")], 10).await.unwrap().is_empty(), "of another app");
    // Who looked before the pair came puts the question only now.
    store.open_session(&session("s2", "ou_1"), 5, at(102)).await.unwrap();
    assert_eq!(healed(&store).await, ["g1"], "it is looked after all the same");
    let next = saved.grant.facts.version;
    stored(store.save_refreshed(&grant_id("g1"), next, &answer("next"), at(103)).await.unwrap());
    assert_eq!(healed(&store).await, ["g1"], "a further pair changes nothing of that");
    store.leave_question(&saved.grant.facts).await.unwrap();
    assert_eq!(healed(&store).await, ["g1"], "it is another generation");
    let found = store.healed_grants(&[app("cli_a")], 10).await.unwrap().remove(0);
    store.leave_question(&found).await.unwrap();
    assert!(healed(&store).await.is_empty());
}

async fn a_question_is_taken_back_with_the_mark_or_neither(home: Home) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    assert!(store.mark_needs_consent(&grant_id("g1"), FIRST, 20037.into(), at(100)).await.unwrap());
    store.open_session(&session("s2", "ou_1"), 5, at(100)).await.unwrap();
    let open = store.pending_session(&subject("ou_1")).await.unwrap().unwrap();
    let needless = || open.clone().needless(&open.scopes, at(102)).unwrap();
    let Refreshed { grant, .. } =
        stored(store.save_refreshed(&grant_id("g1"), FIRST, &answer("late"), at(101)).await.unwrap());
    let other = AuthSession { version: open.version + 1, ..needless() };
    assert!(matches!(store.take_question_back(&grant.facts, other).await.unwrap(), Save::Lost));
    assert_eq!(healed(&store).await, ["g1"], "the question has changed: it is to be looked at again");
    let ended = stored(store.take_question_back(&grant.facts, needless()).await.unwrap());
    assert_eq!(ended.state.name(), StateName::Cancelled);
    assert!(healed(&store).await.is_empty());
    assert!(store.pending_session(&subject("ou_1")).await.unwrap().is_none());
}

async fn a_grant_that_dies_once_more_is_asked_for_again(home: Home) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    assert!(store.mark_needs_consent(&grant_id("g1"), FIRST, 20037.into(), at(100)).await.unwrap());
    let Refreshed { grant, .. } =
        stored(store.save_refreshed(&grant_id("g1"), FIRST, &answer("late"), at(101)).await.unwrap());
    assert!(store.mark_needs_consent(&grant_id("g1"), grant.facts.version, 20037.into(), at(102)).await.unwrap());
    assert!(healed(&store).await.is_empty());
    store.leave_question(&grant.facts).await.unwrap();
    assert_eq!(due(&store, at(102)).await.len(), 1, "whoever found it well does not keep it");
    let question = session("s2", "ou_1");
    store.open_session(&question, 5, at(102)).await.unwrap();
    let needless = question.clone().needless(&question.scopes, at(103)).unwrap();
    assert!(matches!(store.take_question_back(&grant.facts, needless).await.unwrap(), Save::Lost));
    assert!(store.pending_session(&subject("ou_1")).await.unwrap().is_some(), "it is the asking");
}

#[tokio::test]
async fn dead_and_healed_grants_are_found_by_index() {
    let home = Home::new();
    let store = home.open().await;
    for which in ["<= 5", "= 9223372036854775807"] {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT * FROM grants WHERE reask_due_at {which} \
             AND COALESCE(app_id, '') IN ('a', 'b') ORDER BY reask_due_at"
        );
        let plan = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
        let rows = sea_orm::ConnectionTrait::query_all_raw(&store.reads, plan).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        assert!(plan.len() == 1 && plan[0].contains("grants_reask_due"), "{plan:?}");
    }
}
