//! The transitions that exist, and those that do not.

use std::time::Duration;

use super::*;
use crate::domain::ids::{AppId, SubjectId};

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn session() -> AuthSession {
    AuthSession {
        id: AuthSessionId::parse("s-1").unwrap(),
        subject: Subject { app: AppId::parse("cli_a").unwrap(), id: SubjectId::parse("ou_a").unwrap() },
        tenant: None,
        scopes: ScopeSet::from_list("a"),
        requesters: vec!["reports".to_owned()],
        reason: None,
        created_at: NOW,
        expires_at: NOW.plus(Duration::from_mins(10)),
        opened_at: None,
        way: Way::Redirect,
        attempts: 0,
        card: CardDelivery::None,
        card_due_at: None,
        let_go_at: None,
        state: State::Waiting,
        version: 1,
    }
}

fn secret() -> Secret {
    Secret::new("x".to_owned())
}

fn exchanging() -> AuthSession {
    session().exchanging(secret(), secret(), NOW).unwrap()
}

#[test]
fn takes_one_code_at_a_time() {
    let refused = exchanging().exchanging(secret(), secret(), NOW).unwrap_err();
    assert_eq!(refused, InvalidTransition { from: "exchanging", to: "exchanging" });
}

#[test]
fn takes_no_code_when_its_time_is_up() {
    let late = session().expires_at;
    assert!(session().exchanging(secret(), secret(), late).is_err());
    assert!(session().exchanging(secret(), secret(), late.minus(Duration::from_micros(1))).is_ok());
}

#[test]
fn an_ended_session_never_ends_again() {
    let grant = GrantId::parse("g").unwrap();
    let ended = exchanging().completed(grant.clone(), &ScopeSet::from_list("a"), NOW).unwrap();
    assert!(ended.clone().completed(grant, &ScopeSet::default(), NOW).is_err());
    assert!(ended.clone().rejected(NOW).is_err());
    assert!(ended.clone().mismatched(NOW).is_err());
    assert!(ended.clone().failed(Failure::Refused, NOW).is_err());
    assert!(ended.clone().expired(NOW.plus(Duration::from_hours(1))).is_err());
    assert!(ended.withdrawn_by("reports", NOW).is_err());
}

#[test]
fn an_exchange_that_began_is_neither_expired_nor_withdrawn() {
    assert!(exchanging().expired(NOW.plus(Duration::from_hours(1))).is_err());
    assert!(exchanging().withdrawn_by("reports", NOW).is_err());
}

#[test]
fn expires_only_when_its_time_is_up() {
    assert!(session().expired(NOW).is_err());
    assert_eq!(session().expired(session().expires_at).unwrap().state.name(), StateName::Expired);
}

#[test]
fn asks_again_until_three_codes_are_spent() {
    let mut current = session();
    for _ in 0..2 {
        current = current.exchanging(secret(), secret(), NOW).unwrap().asked_again(NOW).unwrap();
        assert!(matches!(current.state, State::Waiting));
    }
    let last = current.exchanging(secret(), secret(), NOW).unwrap().asked_again(NOW).unwrap();
    assert!(matches!(last.state, State::Failed { reason: Failure::Refused, .. }));
}

#[test]
fn scopes_join_until_the_person_opens_the_link() {
    let more = ScopeSet::from_list("b");
    let joined = session().joined_by("mail", &more);
    assert_eq!(joined.scopes.to_string(), "a b");
    assert_eq!(joined.requesters, ["reports", "mail"]);
    let opened = session().opened(NOW).joined_by("mail", &more);
    assert_eq!(opened.scopes.to_string(), "a");
    assert_eq!(opened.requesters, ["reports", "mail"]);
}

#[test]
fn tells_what_was_asked_and_not_granted() {
    let asked = session().joined_by("mail", &ScopeSet::from_list("b"));
    let exchanging = asked.exchanging(secret(), secret(), NOW).unwrap();
    let done = exchanging.completed(GrantId::parse("g").unwrap(), &ScopeSet::from_list("a c"), NOW).unwrap();
    let State::Completed(completed) = done.state else { panic!("not completed") };
    assert_eq!(completed.missing.to_string(), "b");
}

#[test]
fn stands_while_another_caller_still_asks() {
    let two = session().joined_by("mail", &ScopeSet::default());
    let one = two.withdrawn_by("reports", NOW).unwrap();
    assert!(one.is_pending());
    assert_eq!(one.withdrawn_by("mail", NOW).unwrap().state.name(), StateName::Cancelled);
}

#[test]
fn is_needless_when_all_of_it_is_held_and_nobody_has_consented_yet() {
    let (all, other) = (ScopeSet::from_list("a b"), ScopeSet::from_list("b"));
    let needless = session().needless(&all, NOW).unwrap();
    assert_eq!((needless.state.name(), needless.state.ended_at()), (StateName::Cancelled, Some(NOW)));
    assert!(session().needless(&other, NOW).is_err(), "it asks for more");
    let exchanging = session().exchanging(secret(), secret(), NOW).unwrap();
    assert!(exchanging.needless(&all, NOW).is_err(), "the new consent wins");
    assert!(needless.needless(&all, NOW).is_err(), "it is over");
}

#[test]
fn a_face_names_exactly_who_asks_for_what() {
    let two = session().joined_by("mail", &ScopeSet::default());
    let other_two = two.clone().withdrawn_by("mail", NOW).unwrap().joined_by("calendar", &ScopeSet::default());
    assert_ne!(two.face(), other_two.face(), "one went, another came");
    let scopes = |list| AuthSession { scopes: ScopeSet::from_list(list), ..session() };
    assert_ne!(scopes("a b").face(), scopes("a c").face());
    let names =
        |names: &[&str]| AuthSession { requesters: names.iter().map(ToString::to_string).collect(), ..session() };
    assert_ne!(names(&["ab", "c"]).face(), names(&["a", "bc"]).face());
    assert_ne!(session().face(), session().rejected(NOW).unwrap().face());
    assert_eq!(two.face(), two.clone().face());
}
