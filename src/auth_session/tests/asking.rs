//! Many who ask one person.

use futures_util::future::join_all;

use super::rig::{PER_MINUTE, Rig, hold, person, until};
use crate::auth_session::{AskError, Notification};
use crate::domain::auth_session::CardDelivery;
use crate::platform::{PlatformError, SendError};

#[tokio::test]
async fn one_sends_and_all_others_wait_for_it() {
    let rig = Rig::new().await;
    let held = hold(&rig.a.gate);
    let names: Vec<String> = (0..20).map(|number| format!("caller {number}")).collect();
    let asks = join_all(names.iter().map(|name| rig.ask("cli_a", name, Notification::Card)));
    let release = async {
        until(async || {
            let pending = rig.store.pending_session(&person("cli_a")).await.unwrap();
            pending.is_some_and(|session| session.requesters.len() == 20)
        })
        .await;
        assert_eq!(rig.a.sent(), 1, "nobody else sends while one does");
        drop(held);
    };
    let (asked, ()) = tokio::join!(asks, release);
    for asked in asked {
        assert!(
            matches!(asked.unwrap().session.card, CardDelivery::Sent { .. }),
            "the card is there before the answer"
        );
    }
    assert_eq!(rig.a.sent(), 1);
}

#[tokio::test]
async fn nobody_waits_for_a_card_beyond_the_end_of_the_process() {
    let rig = Rig::new().await;
    let held = hold(&rig.a.gate);
    let asks = join_all(["x", "y"].map(|name| rig.ask("cli_a", name, Notification::Card)));
    let stop = async {
        until(async || rig.a.sent() == 1).await;
        rig.soft.cancel();
    };
    let (asked, ()) = tokio::join!(asks, stop);
    assert!(asked.iter().flatten().all(|asked| matches!(asked.session.card, CardDelivery::Sending { .. })));
    drop(held);
    rig.idle().await;
    let session = rig.store.pending_session(&person("cli_a")).await.unwrap().unwrap();
    assert!(matches!(session.card, CardDelivery::Sent { .. }), "the send is finished all the same");
}

#[tokio::test]
async fn a_send_goes_on_when_its_caller_goes() {
    let rig = Rig::new().await;
    let held = hold(&rig.a.gate);
    tokio::select! {
        _ = rig.ask("cli_a", "x", Notification::Card) => panic!("the send is held"),
        () = until(async || rig.a.sent() == 1) => {}
    }
    drop(held);
    rig.idle().await;
    let session = rig.store.pending_session(&person("cli_a")).await.unwrap().unwrap();
    assert!(matches!(session.card, CardDelivery::Sent { .. }));
}

#[tokio::test]
async fn who_joins_an_unclear_send_leaves_it_to_the_job() {
    let rig = Rig::new().await;
    rig.a.next_send(SendError::Platform(PlatformError::Unclear));
    let first = rig.ask("cli_a", "x", Notification::Card).await.unwrap();
    let second = rig.ask("cli_a", "x", Notification::Card).await.unwrap();
    assert_eq!(first.session.id, second.session.id);
    assert!(matches!(second.session.card, CardDelivery::Sending { .. }));
    assert_eq!(rig.a.sent(), 1);
}

#[tokio::test]
async fn all_hear_that_the_person_cannot_be_reached() {
    let rig = Rig::new().await;
    rig.a.next_send(SendError::Unreachable { code: 7.into() });
    let held = hold(&rig.a.gate);
    let asks = join_all(["x", "y", "z"].map(|name| rig.ask("cli_a", name, Notification::Card)));
    let release = async {
        until(async || {
            let pending = rig.store.pending_session(&person("cli_a")).await.unwrap();
            pending.is_some_and(|session| session.requesters.len() == 3)
        })
        .await;
        drop(held);
    };
    let (asked, ()) = tokio::join!(asks, release);
    assert!(asked.iter().all(|asked| matches!(asked, Err(AskError::Unreachable(_)))), "{asked:?}");
    assert_eq!(rig.a.sent(), 1, "and it is not sent once more to say so");
}

#[tokio::test]
async fn a_card_wanted_after_the_question_counts() {
    let rig = Rig::new().await;
    for number in 0..=PER_MINUTE {
        let quiet = rig.ask("cli_a", "x", Notification::None).await.unwrap();
        let asked = rig.ask("cli_a", "x", Notification::Card).await;
        assert_eq!(matches!(asked, Err(AskError::TooMany { .. })), number == PER_MINUTE, "{asked:?}");
        rig.use_case.withdraw(&quiet.session.id, "x").await.unwrap();
    }
    assert_eq!(rig.a.sent(), PER_MINUTE as usize);
}

#[tokio::test]
async fn who_is_over_the_limit_costs_no_call() {
    let rig = Rig::new().await;
    let started = || rig.d.started.load(std::sync::atomic::Ordering::Relaxed);
    for _ in 0..PER_MINUTE {
        let asked = rig.ask("cli_d", "x", Notification::Card).await.unwrap();
        rig.use_case.withdraw(&asked.session.id, "x").await.unwrap();
    }
    assert_eq!(started(), u64::from(PER_MINUTE));
    for _ in 0..5 {
        assert!(matches!(rig.ask("cli_d", "x", Notification::Card).await, Err(AskError::TooMany { .. })));
    }
    assert_eq!(started(), u64::from(PER_MINUTE));
}
