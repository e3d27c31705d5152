//! Compare-and-set: of any number of writers exactly one wins, and what belongs together is stored together.

use futures_util::future::join_all;

use super::*;
use crate::domain::auth_session::Failure;

on_each_database!(
    of_a_hundred_transitions_at_once_one_wins,
    an_event_and_its_transition_are_stored_together,
    of_many_taps_at_once_one_is_taken,
    the_newest_ten_flows_of_a_session_are_kept,
    a_flow_in_use_is_not_dropped_for_an_eleventh,
    a_flow_is_taken_once_and_burns_the_others,
    a_flow_stays_when_its_session_moved_on,
);

async fn of_a_hundred_transitions_at_once_one_wins(home: Home) {
    let store = home.open().await;
    let session = session("s1", "ou_1");
    store.open_session(&session, 5, at(0)).await.unwrap();
    let saves = (0..100).map(|number| {
        let (store, session) = (store.clone(), session.clone());
        async move {
            let next = match number % 3 {
                0 => session.rejected(at(number)),
                1 => session.failed(Failure::Refused, at(number)),
                _ => session.exchanging(secret("code"), secret("verifier"), at(number)),
            };
            store.save_session(next.unwrap()).await.unwrap()
        }
    });
    let won: Vec<AuthSession> = join_all(saves).await.into_iter().filter_map(winner).collect();
    assert_eq!(won.len(), 1);
    let read = store.auth_session(&session.id).await.unwrap().unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", won[0]));
    assert_eq!(read.version, 2);
}

fn winner<T>(save: Save<T>) -> Option<T> {
    match save {
        Save::Stored(value) => Some(value),
        Save::Lost => None,
    }
}

async fn an_event_and_its_transition_are_stored_together(home: Home) {
    let store = home.open().await;
    let (a, session) = (app("cli_a"), session("s1", "ou_1"));
    store.open_session(&session, 5, at(0)).await.unwrap();
    let rejected = session.clone().rejected(at(1)).unwrap();
    let taken = store.accept_with(&a, &event("e1"), "tap", at(1), rejected.clone()).await.unwrap();
    let AcceptedWith::New(stored) = taken else { panic!("{taken:?}") };
    assert_eq!(stored.version, 2);
    let again = store.accept_with(&a, &event("e1"), "tap", at(1), rejected.clone()).await.unwrap();
    assert!(matches!(again, AcceptedWith::Duplicate));
    assert_eq!(store.accept(&a, &event("e1"), "tap", at(1)).await.unwrap(), Accepted::Duplicate);
    let late = store.accept_with(&a, &event("e2"), "tap", at(1), rejected).await.unwrap();
    assert!(matches!(late, AcceptedWith::Lost));
    let e2 = store.accept(&a, &event("e2"), "tap", at(1)).await.unwrap();
    assert_eq!(e2, Accepted::New, "a lost transition leaves no trace of its event");
}

async fn of_many_taps_at_once_one_is_taken(home: Home) {
    let store = home.open().await;
    let session = session("s1", "ou_1");
    store.open_session(&session, 5, at(0)).await.unwrap();
    let taps = (0..100).map(|number| {
        let (store, session) = (store.clone(), session.clone());
        let id = event(number % 10);
        async move {
            let rejected = session.rejected(at(number)).unwrap();
            store.accept_with(&app("cli_a"), &id, "tap", at(number), rejected).await.unwrap()
        }
    });
    let taken = join_all(taps).await;
    assert_eq!(taken.iter().filter(|taken| matches!(taken, AcceptedWith::New(_))).count(), 1);
    assert_eq!(taken.iter().filter(|taken| matches!(taken, AcceptedWith::Duplicate)).count(), 9);
}

fn flow(number: u8, session: &AuthSession) -> Flow {
    Flow {
        state_hash: [number; 32],
        auth_session: session.id.clone(),
        verifier: secret(&format!("CANARY-flow-verifier-{number}")),
        cookie_hash: [number ^ 0xff; 32],
        created_at: at(i64::from(number)),
        burnt: false,
    }
}

async fn the_newest_ten_flows_of_a_session_are_kept(home: Home) {
    let store = home.open().await;
    let (mine, other) = (session("s1", "ou_1"), session("s2", "ou_2"));
    store.open_session(&mine, 5, at(0)).await.unwrap();
    store.open_session(&other, 5, at(0)).await.unwrap();
    store.add_flow(&flow(0, &other)).await.unwrap();
    let opened = |number: u8| Flow { created_at: at(i64::from(number) * 60), ..flow(number, &mine) };
    for number in 1..=12 {
        store.add_flow(&opened(number)).await.unwrap();
    }
    for number in 0..=12 {
        let kept = store.flow(&[number; 32]).await.unwrap();
        assert_eq!(kept.is_some(), ![1, 2].contains(&number), "{number}");
    }
    let read = store.flow(&[12; 32]).await.unwrap().unwrap();
    assert_eq!(read.verifier.expose(), "CANARY-flow-verifier-12");
    assert_eq!(format!("{read:?}"), format!("{:?}", opened(12)));
    assert!(store.add_flow(&flow(13, &session("s3", "ou_3"))).await.is_err(), "no such session");
}

async fn a_flow_in_use_is_not_dropped_for_an_eleventh(home: Home) {
    let store = home.open().await;
    let mine = session("s1", "ou_1");
    store.open_session(&mine, 5, at(0)).await.unwrap();
    for number in 1..=10 {
        store.add_flow(&flow(number, &mine)).await.unwrap();
    }
    let early = Flow { created_at: at(300), ..flow(11, &mine) };
    assert!(store.add_flow(&early).await.is_err(), "the first is not five minutes old");
    assert!(store.flow(&[11; 32]).await.unwrap().is_none(), "nothing of it is kept");
    assert!(store.flow(&[1; 32]).await.unwrap().is_some());
    store.add_flow(&Flow { created_at: at(301), ..flow(11, &mine) }).await.unwrap();
    assert!(store.flow(&[1; 32]).await.unwrap().is_none());
}

async fn a_flow_is_taken_once_and_burns_the_others(home: Home) {
    let store = home.open().await;
    let (mine, other) = (session("s1", "ou_1"), session("s2", "ou_2"));
    for session in [&mine, &other] {
        store.open_session(session, 5, at(0)).await.unwrap();
    }
    for number in 1..=3 {
        store.add_flow(&flow(number, &mine)).await.unwrap();
    }
    let exchanging = |session: &AuthSession| session.clone().exchanging(secret("c"), secret("v"), at(1)).unwrap();
    assert!(matches!(store.take_flow(&[1; 32], exchanging(&other)).await.unwrap(), Save::Lost), "another session's");
    assert!(matches!(store.take_flow(&[9; 32], exchanging(&mine)).await.unwrap(), Save::Lost), "unknown");
    let takes =
        (0..50).map(|number| store.take_flow(if number % 2 == 0 { &[1; 32] } else { &[2; 32] }, exchanging(&mine)));
    let won = join_all(takes).await.into_iter().filter_map(|save| winner(save.unwrap())).count();
    assert_eq!(won, 1, "A8: exactly one exchange");
    for number in 1..=3 {
        assert!(store.flow(&[number; 32]).await.unwrap().unwrap().burnt, "{number}");
        let other = store.take_flow(&[number; 32], exchanging(&mine)).await.unwrap();
        assert!(matches!(other, Save::Lost), "{number} is burnt");
    }
}

async fn a_flow_stays_when_its_session_moved_on(home: Home) {
    let store = home.open().await;
    let mine = session("s1", "ou_1");
    store.open_session(&mine, 5, at(0)).await.unwrap();
    store.add_flow(&flow(1, &mine)).await.unwrap();
    stored(store.save_session(mine.clone().opened(at(1))).await.unwrap());
    let stale = mine.exchanging(secret("c"), secret("v"), at(1)).unwrap();
    assert!(matches!(store.take_flow(&[1; 32], stale).await.unwrap(), Save::Lost));
    assert!(!store.flow(&[1; 32]).await.unwrap().unwrap().burnt);
}
