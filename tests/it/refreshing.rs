//! Tokens on demand: kept fresh, refreshed once for all, and what becomes of a grant that cannot be refreshed.

use std::time::Duration;

use cardkey_sandbox::ALICE;
use cardkey_sandbox::journal::Entry;
use serde_json::{Value, json};

use crate::harness::{Reply, Setup, World};

on_each_database!(
    fifty_callers_of_an_expired_token_share_one_refresh,
    the_new_refresh_token_is_kept,
    a_dead_refresh_token_is_found_out_once_and_the_person_is_asked,
    what_the_person_or_time_ended_at_the_platform_is_asked_again,
    a_platform_that_fails_ends_no_grant,
    an_app_that_may_not_refresh_is_its_owners_business,
    a_life_that_is_too_short_for_the_caller_is_renewed,
    a_token_that_is_due_is_given_at_once_and_renewed_behind_it,
    the_older_endpoints_of_oauth_can_be_chosen,
);

const READ: &[&str] = &["apaas:app:read"];

/// Longer than an access token lives.
const OVER: Duration = Duration::from_secs(7_300);

fn refresh(entry: &Entry) -> bool {
    entry.call.grant_type.as_deref() == Some("refresh_token")
}

impl World {
    fn refreshes(&self) -> usize {
        self.sandbox.feishu().journal.read(0, refresh).len()
    }

    async fn refused_with(&self, status: u16, code: i64) {
        let action = json!({ "kind": "status", "status": status, "body": { "code": code } });
        let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
        self.fault(&json!({ "match": matches, "times": 1, "action": action })).await;
    }

    async fn ask_for_life(&self, seconds: u64) -> Reply {
        self.ask_for(ALICE, READ, &json!({ "min_ttl_seconds": seconds })).await
    }

    /// What the platform holds: one live pair, whose tokens are those that the caller was given and the gateway keeps.
    async fn one_pair_lives(&self) {
        let held = self.look(&format!("grants?open_id={ALICE}")).await;
        assert_eq!(held["live_refresh_tokens"].as_array().unwrap().len(), 1, "{held}");
    }
}

fn token(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

async fn fifty_callers_of_an_expired_token_share_one_refresh() {
    let world = World::new().await;
    let first = token(&world.granted(READ).await);
    world.advance(OVER).await;
    let replies = futures_util::future::join_all((0..50).map(|_| world.ask(READ))).await;
    let second = token(&replies[0]);
    assert_ne!(second, first);
    assert!(replies.iter().all(|reply| token(reply) == second));
    assert_eq!(world.refreshes(), 1);
    assert_eq!(world.messages(ALICE).await.len(), 0, "nobody is asked for it");
    world.end().await;
}

async fn the_new_refresh_token_is_kept() {
    let mut world = World::new().await;
    world.granted(READ).await;
    for generation in 2..=4 {
        world.advance(OVER).await;
        token(&world.ask(READ).await);
        assert_eq!(world.grants().await[0]["generation"], generation);
        world.one_pair_lives().await;
        world.restart_gateway().await;
    }
    assert_eq!(world.refreshes(), 3);
    world.end().await;
}

async fn a_dead_refresh_token_is_found_out_once_and_the_person_is_asked() {
    for code in [20026, 20037, 20064, 20073] {
        let world = World::new().await;
        world.granted(READ).await;
        world.advance(OVER).await;
        world.refused_with(400, code).await;
        let reply = world.ask(READ).await;
        assert_eq!(reply.status, 202, "{code}: {}", reply.text);
        assert_eq!(world.grants().await[0]["status"], "needs_consent", "{code}");
        assert_eq!(world.ask(READ).await.session(), reply.session(), "{code}: asked once");
        assert_eq!(world.refreshes(), 1, "{code}: not tried again");
        let card = world.card_turns(ALICE, "blue").await;
        assert_eq!(world.visit(&World::card_link(&card), ALICE, "allow").await.mood(), "good", "{code}");
        token(&world.ask(READ).await);
        assert_eq!(world.grants().await[0]["status"], "active", "{code}");
        world.end().await;
    }
}

async fn what_the_person_or_time_ended_at_the_platform_is_asked_again() {
    for (row, after) in [("revoked", Duration::ZERO), ("a week later", Duration::from_hours(24 * 8))] {
        let world = World::new().await;
        world.granted(READ).await;
        if after.is_zero() {
            world.control("revoke", &json!({ "open_id": ALICE, "push": false })).await;
        }
        world.advance(OVER + after).await;
        assert_eq!(world.ask(READ).await.status, 202, "{row}");
        assert_eq!(world.grants().await[0]["status"], "needs_consent", "{row}");
        world.end().await;
    }
}

async fn a_platform_that_fails_ends_no_grant() {
    let world = World::new().await;
    world.granted(READ).await;
    for (row, status, code) in
        [("20050", 500, 20050), ("20072", 503, 20072), ("unknown", 500, 55_555), ("429", 429, 99_991_400)]
    {
        world.advance(OVER).await;
        world.refused_with(status, code).await;
        let reply = world.ask(READ).await;
        assert_eq!((reply.status, reply.problem().as_str()), (503, "platform-unavailable"), "{row}: {}", reply.text);
        assert_ne!(reply.header("retry-after"), "", "{row}");
        assert_eq!(world.grants().await[0]["status"], "active", "{row}");
        token(&world.ask(READ).await);
    }
    assert_eq!(world.messages(ALICE).await, Vec::<Value>::new(), "nobody was asked");
    world.end().await;
}

async fn an_app_that_may_not_refresh_is_its_owners_business() {
    let world = World::new().await;
    world.granted(READ).await;
    world.advance(OVER).await;
    world.control("apps", &json!({ "app_id": crate::harness::APP, "refresh": false })).await;
    let reply = world.ask(READ).await;
    assert_eq!((reply.status, reply.problem().as_str()), (502, "app-misconfigured"), "20074: {}", reply.text);
    assert_eq!(world.grants().await[0]["status"], "active", "the grant is not touched");
    world.control("apps", &json!({ "app_id": crate::harness::APP, "refresh": true })).await;
    token(&world.ask(READ).await);
    world.one_pair_lives().await;
    world.end().await;
}

async fn a_life_that_is_too_short_for_the_caller_is_renewed() {
    let world = World::new().await;
    let first = token(&world.granted(READ).await);
    assert_eq!(token(&world.ask_for_life(3_600).await), first, "as long as lives get");
    world.advance(Duration::from_secs(5_000)).await;
    assert_eq!(token(&world.ask_for_life(2_000).await), first, "2,200 seconds are left");
    assert_eq!(world.refreshes(), 0);

    world.refused_with(500, 20050).await;
    let stale = world.ask_for_life(3_600).await;
    assert_eq!((token(&stale), &stale.json()["stale"]), (first.clone(), &json!(true)), "better than none");
    let fresh = world.ask_for_life(3_600).await;
    assert_ne!(token(&fresh), first);
    assert_eq!(fresh.json()["stale"], false);
    assert!(fresh.json()["expires_in"].as_u64().unwrap() > 7_000);
    assert_eq!(world.refreshes(), 2);
    world.end().await;
}

async fn a_token_that_is_due_is_given_at_once_and_renewed_behind_it() {
    let world = World::with(Setup::default().variable("AUTH_TOKEN_REFRESH_THRESHOLD", "0.5")).await;
    let first = token(&world.granted(READ).await);
    world.advance(Duration::from_secs(3_700)).await;
    let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
    world.fault(&json!({ "match": matches, "times": 1, "action": { "kind": "hold" } })).await;
    assert_eq!(token(&world.ask(READ).await), first, "the refresh is held, the caller is not");
    world.sandbox.feishu().journal.wait_for(1, refresh).await;
    assert_eq!(token(&world.ask(READ).await), first);
    world.control("release", &json!({})).await;
    while world.grants().await[0]["generation"] == 1 {}
    assert_ne!(token(&world.ask(READ).await), first);
    assert_eq!(world.refreshes(), 1, "one for all who asked meanwhile");
    world.end().await;
}

async fn the_older_endpoints_of_oauth_can_be_chosen() {
    for (version, path) in [("v3", "/oauth/v3/token"), ("v2", "/open-apis/authen/v2/oauth/token")] {
        let world = World::with(Setup::default().app(&format!("oauth_version = \"{version}\""))).await;
        world.granted(READ).await;
        world.advance(OVER).await;
        token(&world.ask(READ).await);
        let calls = world.sandbox.feishu().journal.read(0, |entry| entry.call.api == "oauth_token");
        let paths: Vec<_> = calls.iter().map(|entry| entry.call.path.as_str()).collect();
        assert_eq!(paths, [path, path], "{version}: exchange and refresh");
        world.end().await;
    }
}
