//! The whole story at DingTalk, told over HTTP: ask, card, consent, token; how else it can end; refreshing; what the robot is
//! told; and what of a configuration does not fit the platform.

use std::time::Duration;

use cardkey_sandbox::dingtalk::stream::{Stream, StreamLogEntry, StreamLogKind};
use cardkey_sandbox::{ALICE, BOB, DINGTALK_CORP_ID};
use serde_json::{Value, json};

use crate::harness::{Reply, Setup, World};

const READ: &[&str] = &["Contact.User.Read"];

/// Longer than an access token lives.
const OVER: Duration = Duration::from_secs(7_300);

async fn world() -> World {
    World::with(Setup::dingtalk()).await
}

fn token(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

impl World {
    fn dingtalk_stream(&self) -> std::sync::Arc<Stream> {
        self.sandbox.dingtalk().stream(self.app()).unwrap()
    }

    /// A tap, once somebody is there to hear of it.
    async fn tap_when_heard(&self, who: &str, card: &Value, button: &str) {
        self.dingtalk_stream().wait_for_connections(2).await;
        let answer = self.tap(who, card, button).await;
        assert_eq!(answer["error"], Value::Null, "{answer}");
    }

    /// The next refresh is refused with this code.
    async fn refresh_refused_by(&self, status: u16, code: &str) {
        let action = json!({ "kind": "status", "status": status, "body": { "code": code } });
        let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
        self.fault(&json!({ "match": matches, "times": 1, "action": action })).await;
    }

    /// Waits until frames of this message id were acknowledged so often; gives the acks' codes.
    async fn frames_acknowledged(&self, id: &str, times: usize) -> Vec<i64> {
        let code = |entry: &StreamLogEntry| match &entry.what {
            StreamLogKind::Ack { message_id, code, .. } if message_id == id => Some(*code),
            _ => None,
        };
        let found = |log: &[StreamLogEntry]| {
            let codes: Vec<i64> = log.iter().filter_map(code).collect();
            (codes.len() >= times).then_some(codes)
        };
        self.dingtalk_stream().wait_for(found).await
    }
}

/// A robot message as the platform frames it.
fn robot_message(id: &str, corp: &str) -> Value {
    let data = json!({ "msgId": "x", "chatbotCorpId": corp, "text": { "content": "hello" } });
    let headers = json!({
        "contentType": "application/json", "messageId": id, "time": "1763700000000", "topic": "/v1.0/im/bot/messages/get",
    });
    let frame = json!({ "specVersion": "1.0", "type": "CALLBACK", "headers": headers, "data": data.to_string() });
    json!({ "raw": [{ "kind": "text", "text": frame.to_string() }] })
}

#[tokio::test]
async fn a_person_consents_and_the_waiting_caller_has_the_token() {
    let world = world().await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let page = world.visit(&world.link_of(&card), ALICE, "allow").await;
        assert_eq!(page.mood(), "good", "{}", page.reply.text);
    });
    assert_eq!(world.owner(&token(&reply)).await, world.subject(ALICE));
    assert!(reply.json()["expires_in"].as_u64().unwrap() > 7_000);
    world.card_turns(ALICE, "green").await;
    token(&world.ask(READ).await);
    assert_eq!(world.calls("oauth_token").await, 1, "the next one is answered at once");
    world.end().await;
}

#[tokio::test]
async fn a_person_rejects_and_the_card_says_so_at_once() {
    let world = world().await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        world.tap_when_heard(ALICE, &card, "reject").await;
        let shown = world.card(ALICE).await;
        assert_eq!(shown["card"]["variables"]["theme"], "red", "by the answer to the tap: {shown}");
        assert_eq!(shown["card"]["variables"]["buttons"], "[]");
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "user-rejected"));
    world.end().await;
}

#[tokio::test]
async fn somebody_elses_tap_changes_nothing() {
    let world = world().await;
    let asked = world.ask(READ).await;
    let card = world.card_turns(ALICE, "blue").await;
    world.tap_when_heard(BOB, &card, "reject").await;
    assert_eq!(world.status(&asked.session()).await, "pending");
    world.tap_when_heard(ALICE, &card, "reject").await;
    assert_eq!(world.ended(&asked.session()).await["status"], "rejected");
    world.end().await;
}

#[tokio::test]
async fn somebody_elses_consent_is_kept_for_nobody() {
    let world = world().await;
    let (reply, ()) = tokio::join!(world.ask_waiting(ALICE, READ, 30), async {
        let card = world.card_turns(ALICE, "blue").await;
        let page = world.visit(&world.link_of(&card), BOB, "allow").await;
        assert_eq!(page.mood(), "bad", "{}", page.reply.text);
    });
    assert_eq!((reply.status, reply.problem().as_str()), (403, "identity-mismatch"));
    assert_eq!(world.grants().await, Vec::<Value>::new());
    world.card_turns(ALICE, "orange").await;
    world.end().await;
}

#[tokio::test]
async fn who_declines_on_the_platforms_page_has_rejected() {
    let world = world().await;
    let (session, link) = world.link(ALICE, READ).await;
    world.visit(&link, ALICE, "deny").await;
    assert_eq!(world.ended(&session).await["status"], "rejected");
    world.end().await;
}

#[tokio::test]
async fn the_organisation_that_is_set_has_to_be_the_one_consented_for() {
    for (corp, mood) in [(DINGTALK_CORP_ID, "good"), ("dingother", "bad")] {
        let world = World::with(Setup::dingtalk().app(&format!("tenant_key = \"{corp}\""))).await;
        let (_, link) = world.link(ALICE, READ).await;
        let begun = world.begin(&link).await;
        assert!(begun.authorize_url.contains(&format!("&corpId={corp}")), "{}", begun.authorize_url);
        let location = world.decide(&begun.authorize_url, ALICE, "allow").await;
        assert_eq!(world.come_back(&location, &begun.cookie).await.mood(), mood, "{corp}");
        world.end().await;
    }
}

#[tokio::test]
async fn an_expired_token_is_refreshed_once_and_the_new_pair_is_kept() {
    let mut world = world().await;
    let mut last = token(&world.granted(READ).await);
    for generation in 2..=3 {
        world.advance(OVER).await;
        let replies = futures_util::future::join_all((0..10).map(|_| world.ask(READ))).await;
        let next = token(&replies[0]);
        assert!(next != last && replies.iter().all(|reply| token(reply) == next));
        assert_eq!(world.grants().await[0]["generation"], generation);
        last = next;
        world.restart_gateway().await;
    }
    let verdict = world.sandbox.dingtalk().judge_settled().await;
    assert_eq!((verdict.totals.double_sends, verdict.totals.lost), (0, 0));
    world.end().await;
}

#[tokio::test]
async fn what_the_person_took_back_is_asked_for_again() {
    let world = world().await;
    world.granted(READ).await;
    world.control("revoke", &json!({ "open_id": ALICE })).await;
    world.advance(OVER).await;
    assert_eq!(world.ask(READ).await.status, 202);
    assert_eq!(world.grants().await[0]["status"], "needs_consent");
    let card = world.card_turns(ALICE, "blue").await;
    assert_eq!(world.visit(&world.link_of(&card), ALICE, "allow").await.mood(), "good");
    token(&world.ask(READ).await);
    world.end().await;
}

#[tokio::test]
async fn nothing_but_a_denial_ends_a_grant() {
    let world = world().await;
    world.granted(READ).await;
    for (status, code, answer) in [
        (403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "platform-unavailable"),
        (500, "system.busy", "platform-unavailable"),
        (400, "something.that.is.new", "platform-unavailable"),
        (400, "invalidClientIdOrSecret", "app-misconfigured"),
    ] {
        world.advance(OVER).await;
        world.refresh_refused_by(status, code).await;
        let reply = world.ask(READ).await;
        assert_eq!(reply.problem(), answer, "{code}: {}", reply.text);
        assert_eq!(world.grants().await[0]["status"], "active", "{code}");
        // An app that was refused rests for a while, and so does a pair of which it is not known whether it was spent.
        world.advance(Duration::from_hours(1)).await;
        token(&world.ask(READ).await);
    }
    assert_eq!(world.messages(ALICE).await, Vec::<Value>::new(), "nobody was asked");
    world.end().await;
}

#[tokio::test]
async fn a_grant_can_be_ended_although_the_platform_has_no_way_to() {
    let world = world().await;
    world.granted(READ).await;
    let id = world.grants().await[0]["id"].as_str().unwrap().to_owned();
    let request = world.http.delete(world.url(&format!("/v1/grants/{id}"))).bearer_auth(&world.key);
    assert_eq!(world.send(request).await.status, 204);
    assert_eq!(world.grants().await, Vec::<Value>::new());
    world.end().await;
}

#[tokio::test]
async fn what_the_robot_is_told_is_stored_once_and_acknowledged_each_time() {
    let world = world().await;
    world.dingtalk_stream().wait_for_connections(2).await;
    // The first event tells which organisation the app is of.
    world.control("push", &json!({ "event_type": "user_add_org", "event": {}, "event_id": "e-1" })).await;
    world.until(async || world.events("new").await == 1).await;
    for _ in 0..2 {
        world.control("stream/raw", &robot_message("m-robot-1", DINGTALK_CORP_ID)).await;
    }
    assert_eq!(world.frames_acknowledged("m-robot-1", 2).await, [200, 200]);
    world.control("stream/raw", &robot_message("m-robot-2", "dingother")).await;
    assert_eq!(world.frames_acknowledged("m-robot-2", 1).await, [200]);
    world.control("push", &json!({ "event_type": "user_add_org", "event": {}, "event_id": "e-1" })).await;
    world.until(async || world.events("duplicate").await == 2).await;
    assert_eq!((world.events("new").await, world.events("foreign").await), (2, 1));
    let said = world.control("say", &json!({ "open_id": ALICE, "text": "hello" })).await;
    assert_eq!(said["heard"], true);
    world.until(async || world.events("new").await == 3).await;
    world.end().await;
}

#[tokio::test]
async fn a_third_partys_app_has_a_token_of_the_organisation() {
    let lines = format!("tenant_key = \"{DINGTALK_CORP_ID}\"\nsuite_ticket = \"ticket-CANARY-of-the-suite\"");
    let world = World::with(Setup::dingtalk().app(&lines)).await;
    assert_eq!(world.ask(READ).await.status, 202);
    world.card_turns(ALICE, "blue").await;
    let calls = world.look("log?api=app_token&limit=10").await;
    assert_eq!(calls[0]["path"], "/v1.0/oauth2/corpAccessToken", "{calls}");
    world.end().await;
}

#[tokio::test]
async fn who_is_unknown_there_cannot_be_asked() {
    let world = world().await;
    let reply = world.ask_for("nobody-there", READ, &json!({})).await;
    assert_eq!((reply.status, reply.problem().as_str()), (422, "recipient-unreachable"), "{}", reply.text);
    world.end().await;
}

#[tokio::test]
async fn what_does_not_fit_the_platform_is_said_before_anything_starts() {
    for (setup, expected) in [
        (Setup { code: "device", ..Setup::dingtalk() }, "code must be redirect"),
        (Setup { code: "paste", ..Setup::dingtalk() }, "code must be redirect"),
        (Setup::dingtalk().app("org_login = \"exclusive\""), "needs tenant_key"),
        (Setup::dingtalk().app("suite_ticket = \"t\""), "needs tenant_key"),
        (Setup::dingtalk().variable("CARDKEY_APP__CARD_TEMPLATE_ID", ""), "card_template_id is missing"),
    ] {
        let world = World::without_gateway(setup).await;
        let error = cardkey::app::check(&world.config()).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
