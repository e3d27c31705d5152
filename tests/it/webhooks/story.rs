//! What works by webhook: the question of the console, taps with their answers, the whole story without a long connection.

use cardkey_sandbox::ALICE;
use cardkey_sandbox::feishu::stream::{CopyTo, Duplicate, RefuseEndpoint, StreamFaults};
use serde_json::{Value, json};

use super::{READ, envelope, rejection};
use crate::harness::{APP, ENCRYPT_KEY, OTHER_APP, Setup, World};

/// A gateway with webhooks that gets no link.
async fn without_stream() -> World {
    let mut world = World::without_gateway(Setup::webhook()).await;
    let refuse = RefuseEndpoint { code: 1, msg: "away".to_owned(), times: None };
    world.stream().set_faults(StreamFaults { refuse_endpoint: Some(refuse), ..StreamFaults::default() });
    world.start_gateway().await;
    world.key = world.new_key("reports", &[APP], crate::harness::SCOPES).await;
    world
}

#[tokio::test]
async fn the_console_takes_the_address_of_a_gateway_that_has_the_key() {
    let world = World::with(Setup::webhook()).await;
    assert_eq!(world.choose_webhook(&json!({})).await, 200);
    assert_eq!(world.webhook_requests("challenge").await, 1);
    for path in [format!("/events/feishu/{OTHER_APP}"), format!("/events/lark/{APP}"), "/events".to_owned()] {
        assert_eq!(world.choose_webhook(&json!({ "url": world.url(&path) })).await, 409, "{path}");
    }
    world.end().await;

    for (name, setup) in [
        ("no key in the gateway", Setup::default().at_the_console(Some(ENCRYPT_KEY))),
        ("another key at the console", Setup::webhook().at_the_console(Some("another-key-of-the-console"))),
        ("no key at the console", Setup::default().app(&format!("encrypt_key = \"{ENCRYPT_KEY}\""))),
        (
            "another token in the gateway",
            Setup::default()
                .at_the_console(Some(ENCRYPT_KEY))
                .app(&format!("encrypt_key = \"{ENCRYPT_KEY}\"\nverification_token = \"canary-of-another-app\"")),
        ),
    ] {
        let world = World::with(setup).await;
        assert_eq!(world.choose_webhook(&json!({})).await, 409, "{name}");
        assert_eq!(world.webhook_requests("challenge").await, 0, "{name}");
        world.end().await;
    }
}

#[tokio::test]
async fn from_the_ask_to_the_token_without_a_long_connection() {
    let world = without_stream().await;
    world.deliver_by_webhook().await;
    world.push(&envelope("event")).await;
    world.acknowledged("event", 1).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let answer = world.tap(ALICE, &card, "authorize").await;
        assert!(answer["error"].is_null() && answer["toast"]["content"].is_string(), "{answer}");
        let page = world.visit(&World::card_link(&card), ALICE, "allow").await;
        assert_eq!(page.mood(), "good");
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    world.card_turns(ALICE, "green").await;
    assert_eq!((world.links_opened(), world.events("new").await), (0, 2));
    assert_eq!(world.webhook_requests("accepted").await, 2);
    assert_eq!(world.count(&format!("cardkey_event_ack_seconds_count{{app_id=\"{APP}\"}}")).await, 2);
    let heard = world.metric(&format!("cardkey_webhook_last_timestamp_seconds{{app_id=\"{APP}\"}}")).await.unwrap();
    assert!((heard - f64::from(i32::try_from(world.now().as_secs()).unwrap())).abs() < 60.0, "{heard}");
    world.end().await;
}

#[tokio::test]
async fn a_tap_has_its_card_in_the_answer_in_both_forms() {
    for old in [false, true] {
        let world = World::with(Setup::webhook()).await;
        assert_eq!(world.choose_webhook(&json!({ "old_clicks": old })).await, 200);
        world.ask(READ).await;
        let card = world.card_turns(ALICE, "blue").await;
        // Nothing the gateway may want to say to the platform gets through: the answer has all of it.
        world.fault(&json!({ "match": { "api": "messages_patch" }, "action": { "kind": "drop" } })).await;
        let answer = world.tap(ALICE, &card, "reject").await;
        assert_eq!(answer["error"], Value::Null, "old form: {old}: {answer}");
        assert!(answer["toast"].to_string().contains("Your refusal was noted"), "old form: {old}: {answer}");
        assert_eq!(world.card(ALICE).await["card"]["header"]["template"], "red", "old form: {old}");
        assert_eq!(world.webhook_requests("accepted").await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn what_comes_by_both_ways_is_handled_once() {
    let world = World::with(Setup::webhook()).await;
    world.links(2).await;
    // The long connection first, and twice at that.
    let duplicate = Duplicate { copies: 1, to: CopyTo::Other };
    world.stream().set_faults(StreamFaults { duplicate: Some(duplicate), ..StreamFaults::default() });
    world.push(&envelope("one")).await;
    world.acknowledged("one", 2).await;
    let reply = world.post_letter(&world.letter(&envelope("one"))).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "{}"));
    assert_eq!((world.events("new").await, world.events("duplicate").await), (1, 2));

    // The webhook first.
    assert_eq!(world.post_letter(&world.letter(&envelope("two"))).await.status, 200);
    world.push(&envelope("two")).await;
    world.acknowledged("two", 2).await;
    assert_eq!((world.events("new").await, world.events("duplicate").await), (2, 4));

    // A tap that is posted twice.
    world.ask(READ).await;
    let tap = rejection("tap", &world.card_turns(ALICE, "blue").await);
    for _ in 0..2 {
        let reply = world.post_letter(&world.letter(&tap)).await;
        assert!(reply.status == 200 && reply.json()["toast"]["content"].is_string(), "{}", reply.text);
    }
    assert_eq!((world.events("new").await, world.events("duplicate").await), (3, 5));
    let reason = format!("app_id=\"{APP}\",auth_method=\"redirect\",reason=\"user_rejected\"");
    assert_eq!(world.count(&format!("cardkey_auth_failure_total{{{reason}}}")).await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_key_for_webhooks_that_the_platform_does_not_have_is_refused() {
    let world = World::without_gateway(Setup::dingtalk().app(&format!("encrypt_key = \"{ENCRYPT_KEY}\""))).await;
    let refused = cardkey::app::check(&world.config()).unwrap_err().to_string();
    assert!(refused.contains("encrypt_key is of no use"), "{refused}");
    world.end().await;
}

#[tokio::test]
async fn an_event_of_another_organisation_or_without_a_name_is_answered_and_ignored() {
    let world = World::with(Setup::webhook()).await;
    assert_eq!(world.post_letter(&world.letter(&envelope("first"))).await.status, 200);
    let mut foreign = envelope("foreign");
    foreign["header"]["tenant_key"] = json!("another");
    assert_eq!(world.post_letter(&world.letter(&foreign)).await.status, 200);
    let mut nameless = envelope("nameless");
    nameless["header"].as_object_mut().unwrap().remove("event_id");
    assert_eq!(world.post_letter(&world.letter(&nameless)).await.status, 200);
    let counts = [world.events("new").await, world.events("foreign").await, world.events("event_id").await];
    assert_eq!((counts, world.webhook_requests("unwanted").await), ([1, 1, 1], 1));
    world.end().await;
}
