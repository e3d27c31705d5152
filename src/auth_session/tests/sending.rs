//! The card job.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::rig::{Rig, hold, until};
use crate::auth_session::Notification;
use crate::domain::auth_session::CardDelivery;
use crate::domain::clock::Clock as _;
use crate::domain::ids::AppId;
use crate::platform::{PlatformError, SendError};

const UNCLEAR: SendError = SendError::Platform(PlatformError::Unclear);
const UNAVAILABLE: SendError = SendError::Platform(PlatformError::Unavailable);

#[tokio::test]
async fn a_silence_is_kept_by_sends() {
    let rig = Rig::new().await;
    let after = Duration::from_secs(52);
    rig.a.next_send(SendError::Platform(PlatformError::RateLimited { after }));
    let asked = rig.ask("cli_a", "x", Notification::Card).await.unwrap();
    assert_eq!(asked.session.card_due_at, Some(rig.clock.now().plus(after)));
    rig.a.next_send(SendError::Platform(PlatformError::RateLimited { after }));
    rig.clock.pass(after);
    rig.run_cards().await;
    assert_eq!(rig.stored(&asked.session.id).await.card_due_at, Some(rig.clock.now().plus(after)));
}

#[tokio::test]
async fn everything_abandoned_is_taken_up_at_the_start() {
    let rig = Rig::new().await;
    for number in 0..600 {
        rig.decided("cli_a", number, rig.clock.now().plus(Duration::from_mins(2))).await;
    }
    rig.use_case.run_abandoned_cards().await.unwrap();
    for _ in 0..4 {
        rig.idle().await;
        assert!(rig.a.sent() >= 256, "as many as one app may have under way");
        rig.clock.pass(Duration::from_secs(5));
        rig.run_cards().await;
    }
    assert_eq!(rig.a.sent(), 600, "with the changes of face that follow in between");
}

#[tokio::test]
async fn rows_of_an_app_that_is_gone_take_nobodys_place() {
    let rig = Rig::new().await;
    for number in 0..300 {
        rig.decided("cli_gone", number, rig.clock.now().minus(Duration::from_secs(9))).await;
    }
    let id = rig.decided("cli_a", 1, rig.clock.now()).await;
    rig.run_cards().await;
    assert!(matches!(rig.stored(&id).await.card, CardDelivery::Sent { .. }));
}

#[tokio::test]
async fn an_app_that_hangs_holds_up_nobody_and_is_not_called_again() {
    let rig = Rig::new().await;
    let held = hold(&rig.a.gate);
    for number in 0..300 {
        rig.decided("cli_a", number, rig.clock.now().minus(Duration::from_secs(9))).await;
    }
    let other = rig.decided("cli_d", 1, rig.clock.now()).await;
    rig.use_case.run_cards().await.unwrap();
    until(async || matches!(rig.stored(&other).await.card, CardDelivery::Sent { .. })).await;
    until(async || rig.a.sent() == 256).await;
    rig.clock.pass(Duration::from_mins(3));
    rig.use_case.run_cards().await.unwrap();
    let apps = [AppId::parse("cli_a").unwrap()];
    let due = rig.store.cards_due(&apps, rig.clock.now(), 999).await.unwrap();
    assert!(due.is_empty(), "every row has moved");
    assert_eq!(rig.a.sent(), 256, "nothing is sent a second time while it is being sent");
    drop(held);
    rig.idle().await;
}

#[tokio::test]
async fn nothing_is_sent_while_nothing_can_be_stored() {
    let rig = Rig::new().await;
    rig.decided("cli_a", 1, rig.clock.now()).await;
    rig.store.close().await;
    for _ in 0..3 {
        assert!(rig.use_case.run_cards().await.is_err());
        rig.idle().await;
    }
    assert_eq!((rig.a.sent(), rig.a.changed.load(Ordering::Relaxed)), (0, 0));
}

#[tokio::test]
async fn an_unclear_send_is_repeated_with_its_uuid_for_less_than_an_hour() {
    let rig = Rig::new().await;
    let id = rig.decided("cli_a", 1, rig.clock.now()).await;
    rig.a.next_send(UNCLEAR);
    rig.a.next_send(UNAVAILABLE);
    for minutes in [0, 49, 1, 30] {
        rig.clock.pass(Duration::from_mins(minutes));
        rig.run_cards().await;
    }
    let session = rig.stored(&id).await;
    assert_eq!(*rig.a.sent.lock().unwrap(), ["cli_a-1-1", "cli_a-1-1"]);
    assert_eq!(session.card_due_at, None, "left alone");
}

#[tokio::test]
async fn the_end_of_a_question_that_was_never_seen_is_not_sent() {
    let rig = Rig::new().await;
    rig.a.next_send(UNAVAILABLE);
    let asked = rig.ask("cli_a", "x", Notification::Card).await.unwrap();
    rig.use_case.withdraw(&asked.session.id, "x").await.unwrap();
    rig.run_cards().await;
    let session = rig.stored(&asked.session.id).await;
    assert_eq!((session.card, session.card_due_at), (CardDelivery::None, None));
    assert_eq!(rig.a.sent(), 1);
}

#[tokio::test]
async fn the_end_of_a_question_that_may_have_been_seen_is_sent() {
    let rig = Rig::new().await;
    for error in [UNCLEAR, UNAVAILABLE] {
        rig.a.next_send(error);
    }
    let asked = rig.ask("cli_a", "x", Notification::Card).await.unwrap();
    rig.clock.pass(Duration::from_secs(5));
    rig.run_cards().await;
    rig.use_case.withdraw(&asked.session.id, "x").await.unwrap();
    rig.run_cards().await;
    assert_eq!(rig.a.sent(), 3);
    assert!(matches!(rig.stored(&asked.session.id).await.card, CardDelivery::Sent { .. }));
}
