//! A1 to A6, A11, A12, A19: whose consent it is. Nothing is kept before the platform has named the asked person.

use cardkey_sandbox::journal::Entry;
use cardkey_sandbox::{ALICE, BOB, DEFAULT_TENANT_KEY};
use serde_json::{Value, json};

use super::{READ, Ride, parameter, with};
use crate::harness::{OTHER_APP, Setup, World};

fn pinned() -> Setup {
    Setup::default().app(&format!("tenant_key = \"{DEFAULT_TENANT_KEY}\""))
}

async fn says(world: &World, data: &Value) {
    let body_text = json!({ "code": 0, "msg": "success", "data": data }).to_string();
    let action = json!({ "kind": "body", "body_text": body_text });
    world.fault(&json!({ "match": { "api": "user_info" }, "times": 1, "action": action })).await;
}

/// The platform holds no live token of this person any more. They are ended by both of them, one after the other.
async fn nothing_lives(world: &World, row: &str, person: &str) {
    let issued =
        |entry: &Entry| entry.outcome.as_ref().is_some_and(|outcome| outcome.issued.contains_key("refresh_token"));
    let journal = &world.sandbox.feishu().journal;
    let pairs = journal.read(0, issued).len();
    journal.wait_for(2 * pairs, |entry| entry.call.api == "revoke" && entry.outcome.is_some()).await;
    let held = world.look(&format!("grants?open_id={person}")).await;
    assert_eq!(held["live_access_tokens"], json!([]), "{row}: revoked at the platform");
    assert_eq!(held["live_refresh_tokens"], json!([]), "{row}: revoked at the platform");
}

#[tokio::test]
async fn a1_another_persons_consent_ends_the_question_for_both() {
    let world = World::new().await;
    let asked = world.ask(READ).await;
    assert_eq!(asked.status, 202);
    let card = world.card_turns(ALICE, "blue").await;
    let begun = world.begin(&World::card_link(&card)).await;
    let location = world.decide(&begun.authorize_url, BOB, "allow").await;
    let page = world.come_back(&location, &begun.cookie).await;
    assert!(page.reply.text.contains("This request was for someone else"), "A1: Bob is told: {}", page.reply.text);
    assert_eq!(world.status(&asked.session()).await, "mismatched", "A1");
    assert!(world.audited(&asked.session()) >= 2, "A1: opened, and how it ended");
    world.card_turns(ALICE, "orange").await;
    assert_eq!(world.grants().await, Vec::<Value>::new(), "A1: stored for nobody");
    nothing_lives(&world, "A1", BOB).await;

    let calls = world.platform_calls().await;
    let again = world.come_back(&location, &begun.cookie).await;
    assert_eq!(again.mood(), "bad", "A1: the state is burnt, the page still says how it ended");
    assert_eq!(world.platform_calls().await, calls, "A1: nothing is exchanged for a burnt state");

    let next = world.ask(READ).await;
    assert_eq!(next.status, 202, "A1: the caller may ask again");
    assert_ne!(next.session(), asked.session(), "A1");
    world.end().await;
}

/// A code carries the challenge of the flow that it was made in, so one of another flow is refused by the platform; what
/// is left, somebody else's consent in the flow itself, is A1.
#[tokio::test]
async fn a_code_of_another_flow_buys_nothing() {
    let world = World::new().await;
    let (alice, bob) = (Ride::of_alice(&world).await, Ride::of(&world, BOB).await);
    for (row, state_of, code_of) in [("A2", &alice, &bob), ("A3", &bob, &alice)] {
        let location = with(&state_of.location, "code", Some(&parameter(&code_of.location, "code")));
        let page = world.come_back(&location, &state_of.begun.cookie).await;
        assert_eq!(page.mood(), "calm", "{row}: try again: {}", page.reply.text);
        assert_eq!(world.status(&state_of.session).await, "pending", "{row}: asked again");
        assert_eq!(world.audited(&state_of.session), 2, "{row}: opened, and no token for this code");
    }
    let second = world.begin(&alice.link).await;
    let third = world.begin(&alice.link).await;
    let location = world.decide(&second.authorize_url, ALICE, "allow").await;
    let crossed = with(&location, "state", Some(&parameter(&third.authorize_url, "state")));
    let page = world.come_back(&crossed, &third.cookie).await;
    assert_eq!(page.mood(), "calm", "A19: one verifier does not fit the other flow's code: {}", page.reply.text);
    assert_eq!(world.calls("user_info").await, 0, "A2 A3 A19: there was no token to ask about");
    assert_eq!(world.grants().await, Vec::<Value>::new(), "A2 A3 A19");
    world.end().await;
}

#[tokio::test]
async fn who_is_not_quite_the_asked_person_is_somebody_else() {
    let world = World::with(Setup { two_apps: true, ..pinned() }.with_second_app_at_the_platform()).await;
    let people = world.look("people").await;
    let alice = people.as_array().unwrap().iter().find(|person| person["open_id"] == ALICE).unwrap().clone();
    let (union, of_other_app) = (&alice["union_id"], &alice["open_ids"][OTHER_APP]);
    for (row, data) in [
        ("A4 another tenant", json!({ "open_id": ALICE, "union_id": union, "tenant_key": "0123456789abcdef" })),
        ("A4 no tenant", json!({ "open_id": ALICE, "union_id": union })),
        ("A4 empty tenant", json!({ "open_id": ALICE, "union_id": union, "tenant_key": "" })),
        ("A5", json!({ "open_id": of_other_app, "union_id": union, "tenant_key": DEFAULT_TENANT_KEY })),
        ("A5 case", json!({ "open_id": ALICE.to_uppercase(), "union_id": union, "tenant_key": DEFAULT_TENANT_KEY })),
    ] {
        says(&world, &data).await;
        ends_without_a_grant(&world, row, "mismatched", "bad").await;
    }
    world.end().await;
}

#[tokio::test]
async fn a12_an_identity_that_names_nobody_is_not_believed() {
    let world = World::with(pinned()).await;
    for data in [
        json!({}),
        json!({ "open_id": "" }),
        json!({ "open_id": null }),
        json!({ "open_id": 7 }),
        json!({ "open_id": [ALICE] }),
        json!({ "open_id": format!("{ALICE} ") }),
        json!({ "union_id": "on_1", "tenant_key": DEFAULT_TENANT_KEY }),
        json!(null),
        json!([]),
    ] {
        says(&world, &data).await;
        let row = format!("A12 {data}");
        let session = ends_without_a_grant(&world, &row, "failed", "bad").await;
        assert_eq!(session["reason"], "identity_unknown", "{row}");
    }
    world.end().await;
}

/// Alice consents, the platform answers as scripted; gives the session as it ended.
async fn ends_without_a_grant(world: &World, row: &str, status: &str, mood: &str) -> Value {
    let ride = Ride::of_alice(world).await;
    let page = world.come_back(&ride.location, &ride.begun.cookie).await;
    assert_eq!(page.mood(), mood, "{row}: {}", page.reply.text);
    let session = world.ended(&ride.session).await;
    assert_eq!(session["status"], status, "{row}");
    assert_eq!(world.grants().await, Vec::<Value>::new(), "{row}");
    nothing_lives(world, row, ALICE).await;
    assert!(world.audited(&ride.session) >= 2, "{row}: opened, and how it ended");
    session
}

#[tokio::test]
async fn a6_who_left_in_between_gets_no_grant() {
    let world = World::new().await;
    for (row, change) in [
        ("A6 left", json!({ "open_id": ALICE, "resigned": true })),
        ("A6 frozen", json!({ "open_id": ALICE, "resigned": false, "frozen": true })),
        ("A6 removed", json!({ "open_id": ALICE, "frozen": false, "removed": true })),
    ] {
        let restore = json!({ "open_id": ALICE, "resigned": false, "frozen": false, "removed": false });
        world.control("people", &restore).await;
        let ride = Ride::of_alice(&world).await;
        world.control("people", &change).await;
        let page = world.come_back(&ride.location, &ride.begun.cookie).await;
        assert_eq!(page.mood(), "calm", "{row}: {}", page.reply.text);
        assert_eq!(world.status(&ride.session).await, "pending", "{row}: until its time is up");
        assert_eq!(world.grants().await, Vec::<Value>::new(), "{row}");
        let cancel = world.post(&format!("/v1/auth-sessions/{}/cancel", ride.session), &json!({})).await;
        assert_eq!(cancel.status, 200, "{row}");
    }
    world.end().await;
}

#[tokio::test]
async fn a11_a_tap_by_somebody_else_is_ignored_with_a_hint() {
    let world = World::new().await;
    let asked = world.ask(READ).await;
    let card = world.card_turns(ALICE, "blue").await;
    let before = world.standing(&asked.session()).await;
    for name in ["authorize", "reject"] {
        let answer = world.tap(BOB, &card, name).await;
        let toast = answer["toast"].to_string();
        assert!(toast.contains("This request is not for you"), "A11 {name}: {answer}");
        assert_eq!(world.standing(&asked.session()).await, before, "A11 {name}");
        assert_eq!(world.card(ALICE).await, card, "A11 {name}: the card stays as it is");
    }
    assert_eq!(world.audited(&asked.session()), 3, "A11: opened, and a line for each tap");
    world.end().await;
}
