//! What the platform takes away: with its event or not at all, once, and never from what came later.

use super::*;
use crate::domain::auth_session::Failure;
use crate::domain::event::{Change, Event, EventKind, RevokedBy};
use crate::domain::grant::{GrantStatus, GrantVersion, Suspension};

/// The event of this id, of no kind in particular: what it changes is told beside it.
fn happened(id: &str) -> Event {
    Event {
        app: app("cli_a"),
        id: event(id),
        tenant: None,
        created_at: None,
        event_type: "changed".to_owned(),
        kind: EventKind::Other,
    }
}

fn person() -> SubjectId {
    subject("ou_1").id
}

fn revoked(access: bool, refresh: bool) -> Change {
    Change::Revoked { subject: person(), access, refresh, by: RevokedBy::Person }
}

/// Whether a change of `at` was applied; it is told a day later.
async fn applied(store: &Store, id: &str, change: &Change, at: Timestamp) -> bool {
    let now = at.plus(Duration::from_hours(24));
    match store.accept_change(&happened(id), change, None, at, now).await.unwrap() {
        AcceptedChange::New { applied, .. } => applied,
        other => panic!("{id}: {other:?}"),
    }
}

#[tokio::test]
async fn revoked_tokens_are_dead_each_as_it_is_named() {
    for (access, refresh) in [(true, false), (false, true), (true, true)] {
        let home = Home::new();
        let store = home.open().await;
        complete(&store, session("s1", "ou_1"), "g1", "one").await;
        complete(&store, session("s2", "ou_2"), "g2", "two").await;
        let change = revoked(access, refresh);
        let stored = store.accept_change(&happened("e"), &change, None, at(10), at(20)).await.unwrap();
        assert!(matches!(stored, AcceptedChange::New { applied: true, .. }), "{stored:?}");
        let facts = store.grant(&subject("ou_1")).await.unwrap().unwrap().facts;
        assert_eq!(facts.status == GrantStatus::NeedsConsent, refresh, "{change:?}");
        assert_eq!(facts.lives_for(at(20), Duration::ZERO), !access, "{change:?}");
        let other = store.grant(&subject("ou_2")).await.unwrap().unwrap().facts;
        assert!(other.status == GrantStatus::Active && other.lives_for(at(20), Duration::ZERO), "another person's");
        let again = store.accept_change(&happened("e"), &change, None, at(10), at(21)).await.unwrap();
        assert!(matches!(again, AcceptedChange::Duplicate), "{again:?}");
    }
}

async fn a_revocation_marks_the_open_question_which_stands(home: Home) {
    let store = home.open().await;
    store.open_session(&session("s1", "ou_1"), 5, at(1)).await.unwrap();
    store.open_session(&session("s2", "ou_2"), 5, at(1)).await.unwrap();
    let before = store.pending_session(&subject("ou_1")).await.unwrap().unwrap();
    let revoked = revoked(true, true);
    let accepted = store.accept_change(&happened("e"), &revoked, None, at(10), at(20)).await.unwrap();
    let AcceptedChange::New { let_go, .. } = accepted else { panic!("{accepted:?}") };
    assert_eq!(let_go.as_ref(), Some(&before.id));
    let id = before.id.clone();
    // Who read it before moves it on all the same, and takes no mark away.
    stored(store.save_session(before.opened(at(21))).await.unwrap());
    let open = store.auth_session(&id).await.unwrap().unwrap();
    assert!(open.is_pending() && open.opened_at == Some(at(21)));
    assert_eq!(open.let_go_at, Some(at(20)));
    let other = store.pending_session(&subject("ou_2")).await.unwrap().unwrap();
    assert_eq!(other.let_go_at, None, "another person's");
    let phases = store.phases(&[&id, &other.id]).await.unwrap();
    assert_eq!(phases[&id], ("waiting".to_owned(), Some(at(20))));
    assert_eq!(phases[&other.id], ("waiting".to_owned(), None));
}

on_each_database!(a_revocation_marks_the_open_question_which_stands);

#[tokio::test]
async fn a_refresh_that_ends_after_the_revocation_does_not_bring_the_grant_back() {
    let home = Home::new();
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    assert!(applied(&store, "e", &revoked(true, true), at(10)).await);
    let version = GrantVersion { consent_no: 1, generation: 1 };
    let saved = store.save_refreshed(&grant_id("g1"), version, &answer("late"), at(11)).await.unwrap();
    assert!(matches!(saved, Save::Lost), "{saved:?}");
    assert_eq!(store.grant(&subject("ou_1")).await.unwrap().unwrap().facts.status, GrantStatus::NeedsConsent);
}

#[tokio::test]
async fn what_came_later_is_not_concerned() {
    let home = Home::new();
    let store = home.open().await;
    // The consent is of `at(2)`.
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    for (id, change) in [("e1", revoked(true, true)), ("e2", Change::Left(person()))] {
        assert!(!applied(&store, id, &change, at(-1)).await, "{change:?} happened before the consent");
    }
    let facts = store.grant(&subject("ou_1")).await.unwrap().unwrap().facts;
    assert!(facts.status == GrantStatus::Active && facts.lives_for(at(3), Duration::ZERO));
    assert!(applied(&store, "e3", &Change::Left(person()), at(3)).await);
    assert!(store.grant(&subject("ou_1")).await.unwrap().is_none());
}

#[tokio::test]
async fn the_later_of_two_suspensions_stands_in_whatever_order_they_come() {
    let home = Home::new();
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    let facts = [store.grant(&subject("ou_1")).await.unwrap().unwrap().facts];
    let (away, back) = (Change::Suspended(person()), Change::Resumed(person()));
    for (id, change, when, taken, suspended) in [
        ("e1", &away, 10, true, true),
        ("e2", &back, 9, false, true),
        ("e3", &back, 12, true, false),
        ("e4", &away, 11, false, false),
        ("e5", &away, 13, true, true),
        ("e6", &Change::Left(person()), 14, true, false),
        ("e7", &away, 13, false, false),
    ] {
        assert_eq!(applied(&store, id, change, at(when)).await, taken, "{id}");
        let wanted = suspended.then_some(Suspension::Person);
        assert_eq!(store.suspension(&subject("ou_1")).await.unwrap(), wanted, "{id}");
        assert_eq!(store.suspended(&[&facts[0].subject]).await.unwrap(), [suspended], "{id}");
    }
    assert_eq!(store.sweep(Old::LiftedSuspensions, at(15), Sweep::Delete).await.unwrap(), 1, "forgotten in time");
}

#[tokio::test]
async fn an_app_is_stopped_by_one_row_for_everybody() {
    let home = Home::new();
    let store = home.open().await;
    for number in 1..=3 {
        complete(&store, session(&format!("s{number}"), &format!("ou_{number}")), &format!("g{number}"), "x").await;
    }
    assert!(applied(&store, "e1", &Change::Suspended(person()), at(10)).await);
    assert_eq!(store.count_active_grants(&app("cli_a"), at(11)).await.unwrap(), 2, "one person is away");
    assert!(applied(&store, "e2", &Change::AppStopped, at(10)).await);
    for person in ["ou_1", "ou_2", "nobody yet"] {
        let person = subject(&person.replace(' ', "_"));
        assert_eq!(store.suspension(&person).await.unwrap(), Some(Suspension::App), "{person}");
    }
    let foreign = Subject { app: app("cli_b"), id: person() };
    assert_eq!(store.suspension(&foreign).await.unwrap(), None, "another app's");
    assert!(store.app_suspended(&app("cli_a")).await.unwrap());
    assert_eq!(store.sweep(Old::LiftedSuspensions, at(100), Sweep::Delete).await.unwrap(), 0, "it stands");
    assert!(applied(&store, "e3", &Change::AppStarted, at(11)).await);
    assert_eq!(store.suspension(&subject("ou_2")).await.unwrap(), None);
    assert_eq!(store.suspension(&subject("ou_1")).await.unwrap(), Some(Suspension::Person), "still away");
}

#[tokio::test]
async fn who_leaves_takes_the_open_question_along_or_nothing_is_stored() {
    let home = Home::new();
    let store = home.open().await;
    let open = session("s1", "ou_1");
    store.open_session(&open, 5, at(0)).await.unwrap();
    let left = Change::Left(person());
    let unseen = store.accept_change(&happened("e"), &left, None, at(5), at(6)).await.unwrap();
    assert!(matches!(unseen, AcceptedChange::Lost), "a question was put meanwhile: {unseen:?}");
    let failed = open.clone().failed(Failure::PersonLeft, at(6)).unwrap();
    let stale = AuthSession { version: 7, ..failed.clone() };
    let lost = store.accept_change(&happened("e"), &left, Some(stale), at(5), at(6)).await.unwrap();
    assert!(matches!(lost, AcceptedChange::Lost), "{lost:?}");
    let stored = store.accept_change(&happened("e"), &left, Some(failed), at(5), at(6)).await.unwrap();
    let AcceptedChange::New { ended: Some(ended), .. } = stored else { panic!("{stored:?}") };
    assert!(matches!(ended.state, State::Failed { reason: Failure::PersonLeft, .. }));
    let read = store.auth_session(&open.id).await.unwrap().unwrap();
    assert!(matches!(read.state, State::Failed { reason: Failure::PersonLeft, .. }));
    let later = AuthSession { created_at: at(100), ..session("s2", "ou_1") };
    store.open_session(&later, 5, at(100)).await.unwrap();
    let again = store.accept_change(&happened("f"), &left, None, at(5), at(101)).await.unwrap();
    assert!(matches!(again, AcceptedChange::New { .. }), "a question that was put later stands: {again:?}");
}
