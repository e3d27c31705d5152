//! What comes over the stream, more often than once or over a stream that breaks.

use cardkey_sandbox::ALICE;

use super::stage::{Stage, world};

pub(super) async fn an_event_comes_twice<S: Stage>() -> String {
    let world = world::<S>(S::setup()).await;
    S::repeat(&world, 1).await;
    S::push(&world, "event").await;
    S::acknowledged(&world, "event", 2).await;
    assert_eq!((world.events("new").await, world.events("duplicate").await), (1, 1));
    world.end().await;
    "acknowledged twice, handled once".to_owned()
}

pub(super) async fn a_tap_comes_twice<S: Stage>() -> String {
    let world = world::<S>(S::setup()).await;
    let session = world.ask(S::SCOPES).await.session();
    let card = world.card_turns(ALICE, "blue").await;
    S::repeat(&world, 2).await;
    let answer = world.tap(ALICE, &card, "reject").await;
    assert!(answer["error"].is_null(), "{answer}");
    world.until(async || world.events("new").await + world.events("duplicate").await == 3).await;
    assert_eq!(world.ended(&session).await["status"], "rejected");
    world.card_turns(ALICE, "red").await;
    let label = format!("app_id=\"{}\",auth_method=\"redirect\",reason=\"user_rejected\"", world.app());
    assert_eq!(world.count(&format!("cardkey_auth_failure_total{{{label}}}")).await, 1, "one refusal");
    world.end().await;
    "heard three times, one refusal".to_owned()
}

pub(super) async fn reconnects<S: Stage>() -> String {
    let mut setup = S::setup();
    // An event that was sent into a link's end is delivered again soon.
    setup.sandbox.time_scale = 0.05;
    let world = world::<S>(setup).await;
    let session = world.ask(S::SCOPES).await.session();
    let card = world.card_turns(ALICE, "blue").await;
    S::cut(&world).await;
    S::push(&world, "event").await;
    S::links(&world, 4).await;
    S::acknowledged(&world, "event", 1).await;
    assert_eq!(world.events("new").await, 1);
    assert!(world.tap(ALICE, &card, "reject").await["error"].is_null());
    assert_eq!(world.ended(&session).await["status"], "rejected");
    world.end().await;
    "both links come back, what was pushed meanwhile is handled once, a tap is heard".to_owned()
}
