//! The real binary, killed with SIGKILL at every step of an authorization: after its restart each session ends completed
//! or the person is asked again. Never stuck, never another person's.

use cardkey_sandbox::ALICE;
use serde_json::{Value, json};

use crate::harness::{Process, Setup, World};

// What a killed process was at is taken up at once on SQLite, where nobody else can be at it; on a server only after a
// while, so that only these tell the same story there.
on_each_database!(while_the_person_thinks, between_the_landing_page_and_the_callback,);

const READ: &[&str] = &["apaas:app:read"];

/// Asks for Alice's token and waits for the card.
async fn asked(world: &World) -> (String, Value) {
    let reply = world.ask(READ).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    (reply.session(), world.card_turns(ALICE, "blue").await)
}

/// Alice consents and pastes the code into her card.
async fn paste(world: &World, card: &Value) {
    let location = world.decide(&World::card_link(card), ALICE, "allow").await;
    let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let answer = world.tap_with(ALICE, card, "submit_code", &json!({ "authorization_code": code })).await;
    assert!(answer["error"].is_null(), "the tap was acknowledged: {answer}");
}

/// The card asks once more and says why.
async fn asked_again(world: &World) -> Value {
    let card = world.card_turns(ALICE, "turquoise").await;
    assert!(card["card"].to_string().contains("The last attempt did not work"), "{card}");
    card
}

/// The caller gets a token without anybody being asked, and it is Alice's.
async fn alices_token(world: &World) {
    let reply = world.ask(READ).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(world.owner(reply.json()["access_token"].as_str().unwrap()).await, ALICE);
    world.card_turns(ALICE, "green").await;
}

/// Ends the process in an orderly way and looks for secrets in all that it left.
async fn over(world: World, process: Process) {
    // Kept for the scan, as everything that is answered.
    world.metrics().await;
    process.stop().await;
    world.end().await;
}

#[tokio::test]
async fn after_the_ack_and_before_the_exchange() {
    let world = World::with_binary(Setup::code("paste")).await;
    let process = world.start_process().await;
    let (session, card) = asked(&world).await;
    world.hold("oauth_token", false).await;
    paste(&world, &card).await;
    world.called("oauth_token", 1).await;
    process.kill().await;

    let process = world.start_process().await;
    assert_eq!(world.ended(&session).await["status"], "completed", "the stored code is exchanged");
    world.release().await;
    alices_token(&world).await;
    over(world, process).await;
}

#[tokio::test]
async fn after_the_code_was_spent_by_the_request_that_the_kill_cut() {
    let world = World::with_binary(Setup::code("paste")).await;
    let process = world.start_process().await;
    let (session, card) = asked(&world).await;
    world.hold("oauth_token", false).await;
    paste(&world, &card).await;
    world.called("oauth_token", 1).await;
    process.kill().await;
    world.release().await;
    world.worked("oauth_token", 1).await;

    let process = world.start_process().await;
    let card = asked_again(&world).await;
    assert_eq!(world.status(&session).await, "pending");
    paste(&world, &card).await;
    assert_eq!(world.ended(&session).await["status"], "completed");
    alices_token(&world).await;
    over(world, process).await;
}

#[tokio::test]
async fn after_the_exchange_and_before_the_store() {
    let world = World::with_binary(Setup::code("paste")).await;
    let process = world.start_process().await;
    let (session, card) = asked(&world).await;
    world.hold("user_info", false).await;
    paste(&world, &card).await;
    world.called("user_info", 1).await;
    process.kill().await;
    world.release().await;

    let process = world.start_process().await;
    let card = asked_again(&world).await;
    assert_eq!(world.status(&session).await, "pending");
    assert_eq!(world.get("/v1/grants").await.json()["grants"], json!([]), "nothing half done is kept");
    paste(&world, &card).await;
    assert_eq!(world.ended(&session).await["status"], "completed");
    alices_token(&world).await;
    over(world, process).await;
}

async fn while_the_person_thinks() {
    let world = World::with_binary(Setup::default()).await;
    let process = world.start_process().await;
    let (session, card) = asked(&world).await;
    process.kill().await;

    let process = world.start_process().await;
    let page = world.visit(&World::card_link(&card), ALICE, "allow").await;
    assert_eq!(page.mood(), "good", "{}", page.reply.text);
    assert_eq!(world.ended(&session).await["status"], "completed");
    alices_token(&world).await;
    over(world, process).await;
}

async fn between_the_landing_page_and_the_callback() {
    let world = World::with_binary(Setup::default()).await;
    let process = world.start_process().await;
    let (session, card) = asked(&world).await;
    let begun = world.begin(&World::card_link(&card)).await;
    process.kill().await;

    let process = world.start_process().await;
    let location = world.decide(&begun.authorize_url, ALICE, "allow").await;
    let page = world.come_back(&location, &begun.cookie).await;
    assert_eq!(page.mood(), "good", "{}", page.reply.text);
    assert_eq!(world.ended(&session).await["status"], "completed");
    alices_token(&world).await;
    over(world, process).await;
}

#[tokio::test]
async fn after_the_callback_and_before_the_exchange() {
    let world = World::with_binary(Setup::default()).await;
    let process = world.start_process().await;
    let (session, card) = asked(&world).await;
    let begun = world.begin(&World::card_link(&card)).await;
    let location = world.decide(&begun.authorize_url, ALICE, "allow").await;
    world.hold("oauth_token", false).await;
    // The browser never sees an answer: its connection dies with the process.
    let browser = world.http.get(&location).header("cookie", &begun.cookie).send();
    let (cut, ()) = tokio::join!(browser, async {
        world.called("oauth_token", 1).await;
        process.kill().await;
    });
    assert!(cut.is_err(), "{cut:?}");

    let process = world.start_process().await;
    assert_eq!(world.ended(&session).await["status"], "completed", "the stored code is exchanged");
    world.release().await;
    alices_token(&world).await;
    let page = world.come_back(&location, &begun.cookie).await;
    assert_eq!(page.mood(), "good", "the browser's next try shows how it ended: {}", page.reply.text);
    over(world, process).await;
}

#[tokio::test]
async fn while_it_is_unclear_whether_the_card_was_sent() {
    let world = World::with_binary(Setup::default()).await;
    let process = world.start_process().await;
    world.hold("messages_create", true).await;
    let body = World::body(ALICE, READ, &json!({}));
    let caller = world.http.post(world.url("/v1/tokens")).bearer_auth(&world.key).json(&body).send();
    let (cut, ()) = tokio::join!(caller, async {
        world.worked("messages_create", 1).await;
        process.kill().await;
    });
    assert!(cut.is_err(), "{cut:?}");

    let process = world.start_process().await;
    world.worked("messages_create", 2).await;
    world.release().await;
    let (session, card) = asked(&world).await;
    assert_eq!(world.messages(ALICE).await.len(), 1, "sent again under the same uuid: one card");
    let page = world.visit(&World::card_link(&card), ALICE, "allow").await;
    assert_eq!(page.mood(), "good", "{}", page.reply.text);
    assert_eq!(world.ended(&session).await["status"], "completed");
    alices_token(&world).await;
    over(world, process).await;
}

/// With the device grant, and a platform that lets itself be polled every second.
fn device() -> Setup {
    let mut setup = Setup::code("device");
    setup.sandbox.lifetimes.device_interval_s = 1;
    setup
}

async fn consent_on_the_device_page(world: &World, card: &Value) {
    let link = World::card_link(card);
    let code = link.split("user_code=").nth(1).unwrap();
    world.control("device", &json!({ "user_code": code, "open_id": ALICE })).await;
}

#[tokio::test]
async fn between_two_polls_of_a_device_code() {
    let world = World::with_binary(device()).await;
    let process = world.start_process().await;
    let (session, card) = asked(&world).await;
    world.worked("oauth_token", 1).await;
    process.kill().await;

    consent_on_the_device_page(&world, &card).await;
    let process = world.start_process().await;
    assert_eq!(world.ended(&session).await["status"], "completed");
    alices_token(&world).await;
    over(world, process).await;
}

#[tokio::test]
async fn after_the_poll_that_brought_the_tokens() {
    let world = World::with_binary(device()).await;
    let process = world.start_process().await;
    let (session, card) = asked(&world).await;
    world.hold("user_info", false).await;
    consent_on_the_device_page(&world, &card).await;
    world.called("user_info", 1).await;
    process.kill().await;
    world.release().await;

    let process = world.start_process().await;
    let card = asked_again(&world).await;
    consent_on_the_device_page(&world, &card).await;
    assert_eq!(world.ended(&session).await["status"], "completed");
    alices_token(&world).await;
    over(world, process).await;
}

#[tokio::test]
async fn told_to_stop_it_lets_its_callers_go_and_is_not_ready_at_once() {
    let world = World::with_binary(Setup::default()).await;
    let mut process = world.start_process().await;
    world.hold("oauth_token", false).await;
    let (reply, status) = tokio::join!(world.ask_waiting(ALICE, READ, 60), async {
        let card = world.card_turns(ALICE, "blue").await;
        let begun = world.begin(&World::card_link(&card)).await;
        let location = world.decide(&begun.authorize_url, ALICE, "allow").await;
        let browser = world.http.get(&location).header("cookie", &begun.cookie).send();
        let (shown, status) = tokio::join!(browser, async {
            world.called("oauth_token", 1).await;
            process.terminate();
            process.logs("SIGTERM").await;
            let ready = world.http.get(world.url("/readyz")).send().await;
            assert!(ready.is_err() || ready.is_ok_and(|ready| ready.status() == 503), "not ready at once");
            world.release().await;
            process.ended().await
        });
        assert!(shown.is_ok(), "the browser is answered: {shown:?}");
        status
    });
    assert_eq!((reply.status, status.code()), (202, Some(0)), "{}", reply.text);

    let process = world.start_process().await;
    assert_eq!(world.status(&reply.session()).await, "completed", "what was in flight was finished and stored");
    alices_token(&world).await;
    over(world, process).await;
}
