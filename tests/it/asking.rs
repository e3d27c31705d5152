//! One question per person, however many ask: joining, merging, withdrawing, limits, time, and how the person is told.

use std::time::Duration;

use cardkey::auth_session::{Ask, AskError, Notification};
use cardkey::domain::ids::{AppId, Subject, SubjectId};
use cardkey::domain::scopes::ScopeSet;
use cardkey_sandbox::{ALICE, BOB};
use serde_json::json;

use crate::harness::{APP, SCOPES, Setup, World};

const READ: &[&str] = &["apaas:app:read"];
const WORKSPACE: &[&str] = &["apaas:workspace:read"];
const EMAIL: &[&str] = &["contact:user.email:readonly"];

impl World {
    async fn asked_by(&self, key: &str, scopes: &[&str]) -> crate::harness::Reply {
        let request = self.http.post(self.url("/v1/tokens")).bearer_auth(key);
        self.send(request.json(&Self::body(ALICE, scopes, &json!({})))).await
    }

    async fn cancelled_by(&self, key: &str, session: &str) -> crate::harness::Reply {
        let url = self.url(&format!("/v1/auth-sessions/{session}/cancel"));
        self.send(self.http.post(url).bearer_auth(key)).await
    }
}

#[tokio::test]
async fn fifty_askers_one_card_one_tap() {
    let world = World::new().await;
    let asks = futures_util::future::join_all((0..50).map(|_| world.ask_waiting(ALICE, READ, 60)));
    let (replies, ()) = tokio::join!(asks, async {
        let card = world.card_turns(ALICE, "blue").await;
        let page = world.visit(&World::card_link(&card), ALICE, "allow").await;
        assert_eq!(page.mood(), "good");
    });
    let token = replies[0].json()["access_token"].clone();
    for reply in &replies {
        assert_eq!((reply.status, &reply.json()["access_token"]), (200, &token), "{}", reply.text);
    }
    assert_eq!(world.messages(ALICE).await.len(), 1);
    assert_eq!((world.calls("messages_create").await, world.calls("oauth_token").await), (1, 1));
    world.end().await;
}

/// Between a caller's look for a token and its question the person may have decided: then the token is there, and a
/// second card would be one too many.
#[tokio::test]
async fn a_question_that_was_answered_meanwhile_is_not_asked_again() {
    let world = World::new().await;
    world.granted(READ).await;
    let subject = Subject { app: AppId::parse(APP).unwrap(), id: SubjectId::parse(ALICE).unwrap() };
    let (scopes, requester) = (ScopeSet::from_list(SCOPES), "reports".to_owned());
    let ask = Ask { subject, scopes, requester, reason: None, notification: Notification::Card, found: None };
    let outcome = world.gateway().auth_sessions.ask(&ask).await;
    assert!(matches!(outcome, Err(AskError::GrantChanged)), "{outcome:?}");
    assert_eq!(world.messages(ALICE).await.len(), 0);
    world.end().await;
}

#[tokio::test]
async fn what_is_asked_before_the_link_is_opened_joins_and_what_comes_later_is_asked_later() {
    let world = World::new().await;
    let billing = world.new_key("billing", &[APP], SCOPES).await;
    let late = world.new_key("late", &[APP], SCOPES).await;
    let first = world.asked_by(&world.key, READ).await;
    let shown = world.card_turns(ALICE, "blue").await;
    let link = World::card_link(&shown);
    let second = world.asked_by(&billing, WORKSPACE).await;
    assert_eq!(first.session(), second.session());
    assert_eq!(second.json()["auth_session"]["scopes"], json!(["apaas:app:read", "apaas:workspace:read"]));
    let begun = world.begin(&link).await;
    let url = url::Url::parse(&begun.authorize_url).unwrap();
    let asked = url.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    assert_eq!(asked, "apaas:app:read apaas:workspace:read offline_access");

    let third = world.asked_by(&late, EMAIL).await;
    assert_eq!((third.status, third.session()), (202, first.session()), "one open question per person");
    assert_eq!(
        third.json()["auth_session"]["scopes"],
        second.json()["auth_session"]["scopes"],
        "nothing joins any more"
    );
    let location = world.decide(&begun.authorize_url, ALICE, "allow").await;
    assert_eq!(world.come_back(&location, &begun.cookie).await.mood(), "good");
    assert_eq!(world.asked_by(&billing, WORKSPACE).await.status, 200);

    let next = world.asked_by(&late, EMAIL).await;
    assert_eq!(next.status, 202, "asked in a question of its own");
    assert_ne!(next.session(), first.session());
    assert_eq!(next.json()["auth_session"]["scopes"], json!(EMAIL));
    let ask = world.another_card_turns(ALICE, &shown, "blue").await;
    assert_eq!(world.visit(&World::card_link(&ask), ALICE, "allow").await.mood(), "good");
    let all = world.ask(&[READ, WORKSPACE, EMAIL].concat()).await;
    assert_eq!(all.status, 200, "grants accumulate: {}", all.text);
    let grants = world.grants().await;
    assert_eq!((grants.len(), grants[0]["scopes"].as_array().unwrap().len()), (1, 4), "{grants:?}");
    world.end().await;
}

/// A caller that waits and asked too late sees the second question through in the same call.
#[tokio::test]
async fn a_late_caller_that_waits_is_served_by_the_second_card() {
    let world = World::new().await;
    world.ask(READ).await;
    let first = world.card_turns(ALICE, "blue").await;
    let begun = world.begin(&World::card_link(&first)).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, WORKSPACE, 60), async {
        let location = world.decide(&begun.authorize_url, ALICE, "allow").await;
        assert_eq!(world.come_back(&location, &begun.cookie).await.mood(), "good");
        let second = world.another_card_turns(ALICE, &first, "blue").await;
        assert_eq!(world.visit(&World::card_link(&second), ALICE, "allow").await.mood(), "good");
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    world.end().await;
}

#[tokio::test]
async fn one_of_two_callers_withdraws_and_the_other_goes_on() {
    let world = World::new().await;
    let billing = world.new_key("billing", &[APP], SCOPES).await;
    let session = world.ask(READ).await.session();
    assert_eq!(world.asked_by(&billing, READ).await.session(), session);
    let first = world.cancelled_by(&billing, &session).await;
    assert_eq!((first.status, first.json()["status"].as_str()), (200, Some("pending")), "{}", first.text);
    assert_eq!(world.cancelled_by(&billing, &session).await.status, 404, "it asks no more");
    assert_eq!(world.status(&session).await, "pending", "the other still asks");
    let card = world.card_turns(ALICE, "blue").await;
    let link = World::card_link(&card);
    let (reply, page) = tokio::join!(world.ask_waiting(ALICE, READ, 30), world.visit(&link, ALICE, "allow"));
    assert_eq!((reply.status, page.mood().as_str()), (200, "good"), "{}", reply.text);
    let late = world.cancelled_by(&world.key, &session).await;
    assert_eq!((late.status, late.problem().as_str()), (409, "state-conflict"));
    world.end().await;
}

#[tokio::test]
async fn the_last_caller_to_withdraw_ends_it_for_whoever_waits() {
    let world = World::new().await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        world.card_turns(ALICE, "blue").await;
        let session = world.ask(READ).await.session();
        assert_eq!(world.cancelled_by(&world.key, &session).await.json()["status"], "cancelled");
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "auth-session-cancelled"));
    world.card_turns(ALICE, "wathet").await;
    world.end().await;
}

#[tokio::test]
async fn a_person_is_asked_only_so_often_a_minute() {
    let world = World::with(Setup::default().variable("AUTH_REQUEST_RATE_LIMIT", "2")).await;
    for _ in 0..2 {
        let session = world.ask(READ).await.session();
        world.cancelled_by(&world.key, &session).await;
    }
    let reply = world.ask(READ).await;
    assert_eq!((reply.status, reply.problem().as_str()), (429, "too-many-requests"));
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(reply.json()["retry_after_seconds"], json!(wait));
    assert_eq!(world.messages(ALICE).await.len(), 2, "no third card");
    assert_eq!(world.ask_for(BOB, READ, &json!({})).await.status, 202, "somebody else can be asked");
    world.clock.advance(Duration::from_secs(wait));
    assert_eq!(world.ask(READ).await.status, 202, "after the time that was told");
    world.end().await;
}

/// D11: joining an open question costs nothing.
#[tokio::test]
async fn d11_a_thousand_asks_are_one_card() {
    let world = World::new().await;
    for _ in 0..20 {
        let asks = (0..50).map(|_| world.ask(READ));
        for reply in futures_util::future::join_all(asks).await {
            assert_eq!(reply.status, 202, "D11: {}", reply.text);
        }
    }
    assert_eq!((world.messages(ALICE).await.len(), world.calls("messages_create").await), (1, 1), "D11");
    world.end().await;
}

#[tokio::test]
async fn a_question_ends_when_its_time_is_up() {
    let world = World::with(Setup::default().variable("AUTH_SESSION_EXPIRY_SECONDS", "60")).await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        world.card_turns(ALICE, "blue").await;
        world.advance(Duration::from_mins(1)).await;
        world.gateway().auth_sessions.run_expiry().await.unwrap();
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "auth-session-expired"), "{}", reply.text);
    world.card_turns(ALICE, "grey").await;
    assert_eq!(world.ask(READ).await.status, 202, "she can be asked again");
    world.end().await;
}

#[tokio::test]
async fn a_caller_can_tell_the_person_itself_or_not_at_all() {
    let world = World::new().await;
    let none = world.ask_for(ALICE, READ, &json!({ "notify": "none" })).await;
    assert_eq!((none.status, &none.json()["auth_session"]["authorization_uri"]), (202, &json!(null)), "{}", none.text);
    let link = world.ask_for(ALICE, READ, &json!({ "notify": "link" })).await;
    assert_eq!(link.session(), none.session());
    assert_eq!(world.messages(ALICE).await.len(), 0, "no card for either");
    let shown = world.get(&format!("/v1/auth-sessions/{}", link.session())).await;
    assert!(
        !shown.text.contains("/start"),
        "the link is in the answer that asked for it and nowhere else: {}",
        shown.text
    );

    let card = world.ask(READ).await;
    assert_eq!((card.session(), &card.json()["auth_session"]["authorization_uri"]), (none.session(), &json!(null)));
    world.card_turns(ALICE, "blue").await;
    let uri = link.json()["auth_session"]["authorization_uri"].as_str().unwrap().to_owned();
    assert_eq!(world.visit(&uri, ALICE, "allow").await.mood(), "good");
    world.card_turns(ALICE, "green").await;
    world.end().await;
}
