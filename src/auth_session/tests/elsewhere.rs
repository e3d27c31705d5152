//! Who waits here for what another process does: it writes into the store and wakes nobody.

use std::time::Duration;

use tokio::task::JoinSet;

use super::rig::{Rig, person, until};
use crate::auth_session::Notification;
use crate::domain::auth_session::{AuthSession, AuthSessionId, StateName};
use crate::domain::clock::Clock as _;
use crate::domain::event::{Change, Event, EventKind, RevokedBy};
use crate::domain::hint::Hint;
use crate::domain::ids::EventId;
use crate::store::AcceptedChange;

/// Somebody asked, and waits for as long as it takes.
async fn waiting() -> (Rig, AuthSession, JoinSet<StateName>) {
    let rig = Rig::new().await;
    let session = rig.ask("cli_a", "x", Notification::None).await.unwrap().session;
    let (use_case, id) = (rig.use_case.clone(), session.id.clone());
    let mut waiting = JoinSet::new();
    waiting.spawn(async move { ended(&use_case, &id).await });
    until(async || rig.use_case.0.waiters.watched().len() == 1).await;
    (rig, session, waiting)
}

async fn ended(use_case: &crate::auth_session::AuthSessions, id: &AuthSessionId) -> StateName {
    use_case.wait(id, Duration::from_hours(1)).await.unwrap().unwrap().state.name()
}

fn revoked() -> Change {
    Change::Revoked { subject: person("cli_a").id, access: true, refresh: true, by: RevokedBy::Person }
}

/// The platform tells a process of this; whoever waits for which session that stands is to be let go.
async fn happens(rig: &Rig, session: &AuthSession, change: &Change) -> Option<AuthSessionId> {
    let (app, id) = (session.subject.app.clone(), EventId::parse("e").unwrap());
    let (tenant, created_at, event_type) = (None, None, "changed".to_owned());
    let event = Event { app, id, tenant, created_at, event_type, kind: EventKind::Other };
    let now = rig.clock.now();
    match rig.store.accept_change(&event, change, None, now, now).await.unwrap() {
        AcceptedChange::New { let_go, .. } => let_go,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_end_that_another_process_stored_is_seen() {
    let (rig, session, mut waiting) = waiting().await;
    rig.use_case.run_waiters().await.unwrap();
    assert_eq!(rig.use_case.0.waiters.watched().len(), 1, "nothing happened, nobody is woken");
    rig.store.save_session(session.rejected(rig.clock.now()).unwrap()).await.unwrap();
    rig.use_case.run_waiters().await.unwrap();
    assert_eq!(waiting.join_next().await.unwrap().unwrap(), StateName::Rejected);
}

#[tokio::test]
async fn nobody_waits_for_a_person_whom_another_process_found_suspended() {
    let (rig, session, mut waiting) = waiting().await;
    happens(&rig, &session, &Change::Suspended(person("cli_a").id)).await;
    rig.use_case.run_waiters().await.unwrap();
    assert_eq!(waiting.join_next().await.unwrap().unwrap(), StateName::Pending, "let go, though the question stands");
}

#[tokio::test]
async fn nobody_waits_for_a_person_whose_revocation_another_process_was_told() {
    for by_a_hint in [false, true] {
        let (rig, session, mut waiting) = waiting().await;
        let let_go = happens(&rig, &session, &revoked()).await;
        assert_eq!(let_go.as_ref(), Some(&session.id));
        if by_a_hint {
            rig.use_case.hear(&session.id);
        } else {
            rig.use_case.run_waiters().await.unwrap();
        }
        let found = waiting.join_next().await.unwrap().unwrap();
        assert_eq!(found, StateName::Pending, "let go, though the question stands");
        // Who comes afterwards waits for the person's answer.
        let late = rig.use_case.wait(&session.id, Duration::from_hours(1));
        let ((), late) = tokio::join!(
            async {
                until(async || rig.use_case.0.waiters.watched().len() == 1).await;
                rig.use_case.run_waiters().await.unwrap();
                let now = rig.clock.now();
                rig.use_case.change(&session, |session| session.rejected(now)).await.unwrap();
            },
            late
        );
        assert_eq!(late.unwrap().unwrap().state.name(), StateName::Rejected);
    }
}

#[tokio::test]
async fn the_process_that_is_told_of_a_revocation_tells_the_others() {
    let (rig, session, _waiting) = waiting().await;
    let let_go = happens(&rig, &session, &revoked()).await;
    rig.use_case.changed(&session.subject.app, &revoked(), None, let_go);
    assert_eq!(*rig.told.lock().unwrap(), [Hint::Session(session.id)]);
}

#[tokio::test]
async fn a_hint_makes_those_who_wait_look_and_no_more() {
    let (rig, session, mut waiting) = waiting().await;
    rig.use_case.hear(&AuthSessionId::parse("unknown").unwrap());
    rig.use_case.hear(&session.id);
    // The hint was false: whoever was woken waits again.
    until(async || rig.use_case.0.waiters.watched().len() == 1).await;
    assert!(waiting.try_join_next().is_none());
    rig.store.save_session(session.clone().rejected(rig.clock.now()).unwrap()).await.unwrap();
    rig.use_case.hear(&session.id);
    assert_eq!(waiting.join_next().await.unwrap().unwrap(), StateName::Rejected);
}
