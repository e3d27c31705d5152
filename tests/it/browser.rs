//! The story as people see it: a headless browser on the sandbox's chat page, its consent pages and our own pages.

use cardkey_sandbox::{ALICE, BOB};

use crate::harness::{Browser, Setup, World};

const READ: &[&str] = &["apaas:app:read"];

/// Where browser and page stand after the Authorize button: a new tab with what the button leads to.
async fn authorize(world: &World, chat: &Browser) -> String {
    let id = chat.find(".message").await.attr("data-message-id").await.unwrap().unwrap();
    chat.click("[data-name='authorize']").await;
    world.tap_is_reported().await;
    chat.to_new_tab().await;
    id
}

/// The landing page, then Continue.
async fn go_on(world: &World, chat: &Browser) {
    chat.find("[data-action='continue']").await;
    world.saw(chat).await;
    chat.click("[data-action='continue']").await;
}

/// The result page: what it says, under an address that holds neither code nor state.
async fn result(world: &World, chat: &Browser, mood: &str) -> String {
    let title = chat.text(&format!("[data-mood='{mood}']")).await;
    world.saw(chat).await;
    let address = chat.address().await;
    assert!(address.contains("/result?r=") && !address.contains("code="), "{address}");
    title
}

/// The one card, in the chat, has turned this colour in the place where it was.
async fn turned(chat: &Browser, message: &str, colour: &str) -> String {
    let title = chat.text(&format!("[data-message-id='{message}'] .theme-{colour} .card-title")).await;
    assert_eq!(chat.count(".message").await, 1, "the card changes in place");
    assert_eq!(chat.count("[data-name='authorize']").await, 0, "nothing is left to tap");
    title
}

#[tokio::test]
async fn a_tap_in_the_chat_becomes_a_token_in_the_callers_hand() {
    let (world, chat) = (World::new().await, Browser::open().await);
    chat.be(&world, ALICE).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 60), async {
        let card = authorize(&world, &chat).await;
        go_on(&world, &chat).await;
        chat.find("[data-decision='allow']").await;
        assert!(chat.address().await.starts_with(&world.sandbox.base_url()), "consent is given at the platform");
        chat.click("[data-decision='allow']").await;
        assert_eq!(result(&world, &chat, "good").await, "Authorized");
        chat.to_chat().await;
        assert_eq!(turned(&chat, &card, "green").await, "Authorized");
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(!world.strangers().is_empty(), "the browser came to us");
    chat.close().await;
    world.end().await;
}

#[tokio::test]
async fn a_rejection_in_the_chat_is_the_callers_403() {
    let (world, chat) = (World::new().await, Browser::open().await);
    chat.be(&world, ALICE).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 60), async {
        let card = chat.find(".message").await.attr("data-message-id").await.unwrap().unwrap();
        chat.click("[data-name='reject']").await;
        assert_eq!(chat.text(".toast .toast-text").await, "Your refusal was noted");
        assert_eq!(turned(&chat, &card, "red").await, "Authorization refused");
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "user-rejected"));
    assert_eq!(world.strangers(), [""; 0], "no page of ours was opened");
    chat.close().await;
    world.end().await;
}

#[tokio::test]
async fn bobs_consent_to_alices_card_is_told_to_everybody() {
    let (world, chat) = (World::new().await, Browser::open().await);
    chat.be(&world, ALICE).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 60), async {
        let card = authorize(&world, &chat).await;
        go_on(&world, &chat).await;
        chat.click(&format!("[data-as='{BOB}']")).await;
        assert_eq!(chat.text("[data-signed-in]").await, "Bob");
        chat.click("[data-decision='allow']").await;
        assert_eq!(result(&world, &chat, "bad").await, "This request was for someone else");
        chat.to_chat().await;
        assert_eq!(turned(&chat, &card, "orange").await, "Authorized by somebody else");
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "identity-mismatch"));
    chat.close().await;
    world.end().await;
}

#[tokio::test]
async fn the_device_grant_is_consented_to_and_nobody_connects_to_us() {
    let mut setup = Setup::code("device");
    setup.sandbox.lifetimes.device_interval_s = 1;
    assert!(!setup.public_url, "people's browsers are told no address of ours");
    let (world, chat) = (World::with(setup).await, Browser::open().await);
    chat.be(&world, ALICE).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 60), async {
        let on_card = chat.text(".card-body").await;
        let card = authorize(&world, &chat).await;
        let code = chat.text("[data-user-code]").await;
        assert!(on_card.contains(&code), "the card says {code} too: {on_card}");
        chat.click("[data-decision='allow']").await;
        chat.find("[data-approved='true']").await;
        chat.to_chat().await;
        turned(&chat, &card, "green").await;
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    // The other tests show that strangers are seen: there the browser is one.
    assert_eq!(world.strangers(), [""; 0], "neither sandbox nor browser opened a connection to the gateway");
    chat.close().await;
    world.end().await;
}

#[tokio::test]
async fn a_code_is_copied_from_the_page_into_the_card() {
    const PASTE: &str = "\u{e009}v\u{e000}";
    let (world, chat) = (World::with(Setup::code("paste")).await, Browser::open().await);
    chat.be(&world, ALICE).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 60), async {
        let card = authorize(&world, &chat).await;
        chat.click("[data-decision='allow']").await;
        let code = chat.text("#code:not(:empty)").await;
        assert!(world.sandbox.secrets().contains(&code), "the page shows the code");
        assert!(chat.address().await.ends_with("/code"), "the address bar is clean: {}", chat.address().await);
        chat.click("#copy").await;
        chat.find("#copy[data-done]").await;
        chat.to_chat().await;
        chat.type_into("[name='authorization_code']", PASTE).await;
        chat.click("[data-name='submit_code']").await;
        turned(&chat, &card, "green").await;
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    chat.close().await;
    world.end().await;
}

#[tokio::test]
async fn the_whole_story_over_tls() {
    let (world, chat) = (World::with(Setup::tls()).await, Browser::open().await);
    let stream = world.stream();
    assert!(world.sandbox.base_url().starts_with("https://"));
    assert!(stream.new_ticket().unwrap().starts_with("wss://"), "the long connection is over TLS too");
    chat.be(&world, ALICE).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 60), async {
        let card = authorize(&world, &chat).await;
        go_on(&world, &chat).await;
        chat.click("[data-decision='allow']").await;
        result(&world, &chat, "good").await;
        chat.to_chat().await;
        turned(&chat, &card, "green").await;
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    chat.close().await;
    world.end().await;
}
