//! Refreshing without being asked: ahead for those who are used, seldom for those who are not, within the platform's limit,
//! and not at all while the app itself is refused.

use std::time::Duration;

use cardkey::domain::ids::{AttemptId, GrantId};
use cardkey::store::{Attempt, Claimed, Old, Sweep};
use cardkey_sandbox::journal::Entry;
use cardkey_sandbox::{ALICE, BOB};
use serde_json::{Value, json};

use crate::harness::{APP, Setup, World};

const READ: &[&str] = &["apaas:app:read"];
const DAY: u64 = 24;

/// Most of an access token's life.
const NEARLY_OVER: Duration = Duration::from_secs(5_800);

fn refresh(entry: &Entry) -> bool {
    entry.call.grant_type.as_deref() == Some("refresh_token") && entry.outcome.is_some()
}

impl World {
    fn refreshed(&self) -> usize {
        self.sandbox.feishu().journal.read(0, refresh).len()
    }

    /// Refreshes that reached the platform, whatever became of them.
    fn sent(&self) -> usize {
        let sent = |entry: &Entry| entry.call.grant_type.as_deref() == Some("refresh_token");
        self.sandbox.feishu().journal.read(0, sent).len()
    }

    /// Runs what is due now; how many refreshes that started.
    async fn run_due(&self) -> usize {
        self.gateway().grants.run_refreshes(self.now()).await.unwrap()
    }

    /// Waits until no refresh is under way.
    async fn landed(&self) {
        self.metric_becomes(&format!("cardkey_refresh_in_flight{{app_id=\"{APP}\"}}"), 0.0).await;
    }

    /// Waits until the grant's pair is this one.
    async fn generation_is(&self, generation: u64) {
        self.until(async || self.grants().await[0]["generation"] == generation).await;
    }

    /// The same, and until the refresh that brought it is over: a next one would join it.
    async fn settles_at(&self, generation: u64) {
        self.generation_is(generation).await;
        self.until(async || self.gateway().grants.under_way() == 0).await;
    }
}

#[tokio::test]
async fn the_clock_alone_refreshes_a_used_grant_and_no_caller_waits() {
    let world = World::with(Setup { refreshes_by_itself: true, ..Setup::default() }).await;
    let first = world.granted(READ).await.json()["access_token"].clone();
    world.advance(NEARLY_OVER).await;
    world.sandbox.feishu().journal.wait_for(1, refresh).await;
    world.generation_is(2).await;
    world.hold("oauth_token", false).await;
    let reply = world.ask(READ).await;
    assert_eq!(reply.status, 200, "no call to the platform is needed: {}", reply.text);
    assert_ne!(reply.json()["access_token"], first);
    world.release().await;
    world.end().await;
}

#[tokio::test]
async fn an_unused_grant_is_left_alone_and_kept_alive() {
    let world = World::new().await;
    world.granted(READ).await;
    world.advance(NEARLY_OVER).await;
    assert_eq!(world.run_due().await, 1, "it was used: the person has just consented for somebody");
    world.settles_at(2).await;
    // The second pair is fetched ahead because the first was used; the third would be for nobody.
    world.advance(NEARLY_OVER).await;
    assert_eq!(world.run_due().await, 1);
    world.settles_at(3).await;
    world.advance(NEARLY_OVER).await;
    assert_eq!(world.run_due().await, 0, "nobody took the second pair");
    world.advance(Duration::from_hours(5 * DAY)).await;
    assert_eq!(world.run_due().await, 1, "I30: before its refresh token ends");
    world.settles_at(4).await;
    world.advance(Duration::from_hours(5 * DAY)).await;
    assert_eq!(world.ask(READ).await.status, 200, "after ten days the person is not asked again");
    world.end().await;
}

#[tokio::test]
async fn an_eager_app_refreshes_the_unused_too() {
    let world = World::with(Setup::default().app("refresh = \"eager\"")).await;
    world.granted(READ).await;
    for generation in 2..=4 {
        world.advance(NEARLY_OVER).await;
        assert_eq!(world.run_due().await, 1);
        world.generation_is(generation).await;
    }
    world.end().await;
}

#[tokio::test]
async fn what_is_due_is_refreshed_once_however_often_it_is_looked_at() {
    let world = World::new().await;
    world.granted(READ).await;
    world.advance(NEARLY_OVER).await;
    world.hold("oauth_token", false).await;
    world.run_due().await;
    world.run_due().await;
    world.called("oauth_token", 2).await;
    assert_eq!(world.run_due().await, 0, "its claim hides it");
    world.release().await;
    world.generation_is(2).await;
    assert_eq!(world.refreshed(), 1, "I16");
    world.end().await;
}

#[tokio::test]
async fn too_many_closes_the_budget_until_the_platform_says() {
    let world = World::new().await;
    world.granted(READ).await;
    let headers = json!({ "x-ogw-ratelimit-reset": "52" });
    let action = json!({ "kind": "status", "status": 429, "body": { "code": 99_991_400 }, "headers": headers });
    let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
    world.fault(&json!({ "match": matches, "times": 1, "action": action })).await;
    world.advance(NEARLY_OVER).await;
    world.run_due().await;
    world.metric_becomes(&refreshes("rate_limited"), 1.0).await;
    world.landed().await;
    world.advance(Duration::from_secs(40)).await;
    world.run_due().await;
    let reply = world.ask_for(ALICE, READ, &json!({ "min_ttl_seconds": 3_000 })).await;
    assert_eq!((reply.status, &reply.json()["stale"]), (200, &json!(true)), "I15, I18: {}", reply.text);
    assert_eq!(world.sent(), 1, "I18: silence for 52 seconds");
    world.advance(Duration::from_secs(13)).await;
    world.generation_is(2).await;
    world.end().await;
}

#[tokio::test]
async fn an_app_that_is_refused_is_paused_with_one_alarm() {
    let world = World::new().await;
    world.granted(READ).await;
    world.control("apps", &json!({ "app_id": APP, "refresh": false })).await;
    world.advance(NEARLY_OVER).await;
    world.run_due().await;
    let paused = format!("cardkey_refresh_paused{{app_id=\"{APP}\"}}");
    world.metric_becomes(&paused, 1.0).await;
    assert_eq!(world.grants().await[0]["status"], "active", "chaos 51: the person's grant is not touched");
    world.advance(Duration::from_mins(1)).await;
    assert_eq!(world.run_due().await, 0);
    world.control("apps", &json!({ "app_id": APP, "refresh": true })).await;
    world.advance(Duration::from_mins(2)).await;
    assert_eq!(world.run_due().await, 1);
    world.generation_is(2).await;
    world.metric_becomes(&paused, 0.0).await;
    world.end().await;
}

#[tokio::test]
async fn what_is_unclear_is_tried_again_with_pauses_and_a_live_token_is_served_meanwhile() {
    let world = World::new().await;
    let first = world.granted(READ).await.json()["access_token"].clone();
    let action = json!({ "kind": "status", "status": 500, "body": { "code": 20_050 } });
    let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
    world.fault(&json!({ "match": matches, "times": 10, "action": action })).await;
    world.advance(NEARLY_OVER).await;
    for tries in 1_u32..=3 {
        assert_eq!(world.run_due().await, 1, "try {tries}");
        world.metric_becomes(&refreshes("unclear"), f64::from(tries)).await;
        world.landed().await;
        let reply = world.ask(READ).await;
        assert_eq!((reply.status, &reply.json()["access_token"]), (200, &first), "I15");
        world.advance(Duration::from_secs(31)).await;
    }
    assert_eq!(world.grants().await[0]["status"], "active", "chaos 41: nobody is asked for a consent");
    world.end().await;
}

#[tokio::test]
async fn a_consent_that_comes_during_a_refresh_wins() {
    let world = World::new().await;
    world.granted(READ).await;
    let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
    world.fault(&json!({ "match": matches, "times": 1, "action": { "kind": "hold", "act": true } })).await;
    world.advance(NEARLY_OVER).await;
    world.run_due().await;
    world.sandbox.feishu().journal.wait_for(1, refresh).await;
    let more = &["apaas:app:read", "apaas:workspace:read"];
    let (session, link) = world.link(ALICE, more).await;
    world.visit(&link, ALICE, "allow").await;
    assert_eq!(world.ended(&session).await["status"], "completed");
    let consented = world.ask(more).await.json()["access_token"].clone();
    world
        .until(async || {
            world.release().await;
            world.count(&format!("cardkey_refresh_set_aside_total{{app_id=\"{APP}\"}}")).await == 1
        })
        .await;
    world.landed().await;
    let after = world.ask(more).await;
    assert_eq!((after.status, &after.json()["access_token"]), (200, &consented), "I12, chaos 49");
    assert_eq!(world.grants().await[0]["generation"], 2);
    world.end().await;
}

/// Alice's grant is due, and every answer to a refresh is lost.
async fn due_and_unclear(setup: Setup) -> World {
    let world = World::with(setup).await;
    world.granted(READ).await;
    let action = json!({ "kind": "status", "status": 500, "body": { "code": 20_050 } });
    let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
    world.fault(&json!({ "match": matches, "action": action })).await;
    world.advance(NEARLY_OVER).await;
    world
}

#[tokio::test]
async fn the_pause_after_two_unclear_answers_is_the_setting() {
    for (value, runs) in [("40", 0), ("5", 1)] {
        let world = due_and_unclear(Setup::default().variable("CARDKEY_REFRESH__RETRY_SECONDS", value)).await;
        for tries in 1_u32..=2 {
            assert_eq!(world.run_due().await, 1, "{value}: try {tries}");
            world.metric_becomes(&refreshes("unclear"), f64::from(tries)).await;
            world.landed().await;
            // The second follows the first as soon as it is due by itself.
            world.advance(Duration::from_secs(if tries == 1 { 41 } else { 31 })).await;
        }
        assert_eq!(world.run_due().await, runs, "{value}: 31 seconds after the second");
        world.end().await;
    }
}

#[tokio::test]
async fn a_claim_keeps_others_away_as_long_as_the_setting_says() {
    for (value, after, won) in [("200", 199, false), ("200", 201, true), ("90", 91, true)] {
        let world = World::with(Setup::default().variable("CARDKEY_REFRESH__LEASE_SECONDS", value)).await;
        world.granted(READ).await;
        world.advance(NEARLY_OVER).await;
        let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
        world.fault(&json!({ "match": matches, "times": 1, "action": { "kind": "hold" } })).await;
        world.run_due().await;
        world.until(async || world.sent() == 1).await;
        world.advance(Duration::from_secs(after)).await;
        let id = GrantId::parse(world.grants().await[0]["id"].as_str().unwrap()).unwrap();
        let attempt =
            Attempt { id: AttemptId::parse("another").unwrap(), owner: "another".to_owned(), grant: id, generation: 1 };
        let store = world.gateway().store();
        let claimed = store.claim_refresh(&attempt, Duration::from_secs(9), world.now()).await.unwrap();
        assert_eq!(matches!(claimed, Claimed::Won { .. }), won, "{value} after {after}: {claimed:?}");
        world.release().await;
        world.landed().await;
        world.end().await;
    }
}

#[tokio::test]
async fn the_journal_is_kept_as_many_days_as_the_setting_says() {
    for (days, left) in [("2", 0), ("4", 1)] {
        let world = World::with(Setup::default().variable("CARDKEY_REFRESH__JOURNAL_DAYS", days)).await;
        world.granted(READ).await;
        world.advance(NEARLY_OVER).await;
        world.run_due().await;
        world.generation_is(2).await;
        world.landed().await;
        world.advance(Duration::from_hours(3 * DAY)).await;
        let days_old = world.gateway().grants.run_forget(Sweep::Delete).await.unwrap();
        assert_eq!(days_old, [("attempts", 1 - left), ("pairs", 0)]);
        let forgotten = world.gateway().store().sweep(Old::Attempts, world.now(), Sweep::Delete).await.unwrap();
        assert_eq!(forgotten, left, "{days} days, after three");
        world.end().await;
    }
}

/// Two people whose grants are due.
async fn two_are_due(setup: Setup) -> World {
    let world = World::with(setup).await;
    world.granted(READ).await;
    let (session, link) = world.link(BOB, READ).await;
    // Exchanges keep to the same limit.
    world.advance(Duration::from_mins(1)).await;
    world.visit(&link, BOB, "allow").await;
    assert_eq!(world.ended(&session).await["status"], "completed");
    world
}

#[tokio::test]
async fn as_many_are_in_flight_as_the_setting_says() {
    let world = two_are_due(Setup::default().variable("CARDKEY_REFRESH__IN_FLIGHT", "1")).await;
    world.advance(NEARLY_OVER).await;
    let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
    world.fault(&json!({ "match": matches, "times": 1, "action": { "kind": "hold" } })).await;
    world.run_due().await;
    world.metric_becomes(&format!("cardkey_refresh_in_flight{{app_id=\"{APP}\"}}"), 1.0).await;
    world.run_due().await;
    world.until(async || world.sent() == 1).await;
    world
        .until(async || {
            assert!(world.count(&format!("cardkey_refresh_in_flight{{app_id=\"{APP}\"}}")).await <= 1);
            world.release().await;
            world.run_due().await;
            world.refreshed() == 2
        })
        .await;
    world.end().await;
}

#[tokio::test]
async fn what_would_be_too_late_soon_goes_before_what_only_has_to_be_kept_alive() {
    let world = World::with(Setup::default().variable("CARDKEY_REFRESH__IN_FLIGHT", "1")).await;
    world.granted(READ).await;
    for generation in [2, 3] {
        world.advance(NEARLY_OVER).await;
        world.run_due().await;
        world.generation_is(generation).await;
    }
    world.advance(Duration::from_hours(5 * DAY)).await;
    let (session, link) = world.link(BOB, READ).await;
    world.visit(&link, BOB, "allow").await;
    assert_eq!(world.ended(&session).await["status"], "completed");
    world.advance(Duration::from_secs(6_700)).await;
    assert_eq!(world.run_due().await, 1, "there is room for one");
    world.landed().await;
    let of = async |person: &str| {
        let grants = world.grants().await;
        grants.iter().find(|grant| grant["subject"] == person).unwrap()["generation"].clone()
    };
    world.until(async || of(BOB).await == 2).await;
    assert_eq!(of(ALICE).await, 3, "hers was due first and has two days left");
    world.run_due().await;
    world.until(async || of(ALICE).await == 4).await;
    world.end().await;
}

#[tokio::test]
async fn as_many_leave_in_a_minute_as_the_setting_says() {
    let world = two_are_due(Setup::default().variable("CARDKEY_REFRESH__PER_MINUTE", "1")).await;
    world.advance(NEARLY_OVER).await;
    world.run_due().await;
    world.until(async || world.refreshed() == 1).await;
    world.landed().await;
    world.run_due().await;
    assert_eq!(world.sent(), 1, "I17");
    world.advance(Duration::from_secs(61)).await;
    world.until(async || world.refreshed() == 2).await;
    world.end().await;
}

/// Two processes find the same grants due. Whoever comes second has nothing to do, and spends nothing of the limit on it.
#[tokio::test]
async fn what_another_process_is_at_is_left_to_it_and_costs_no_slot() {
    let world = two_are_due(Setup::default().variable("CARDKEY_REFRESH__PER_MINUTE", "1")).await;
    world.advance(NEARLY_OVER).await;
    let grants = world.grants().await;
    let hers = grants.iter().find(|grant| grant["subject"] == ALICE).unwrap();
    let id = GrantId::parse(hers["id"].as_str().unwrap()).unwrap();
    let attempt =
        Attempt { id: AttemptId::parse("another").unwrap(), owner: "another".to_owned(), grant: id, generation: 1 };
    let store = world.gateway().store();
    let claimed = store.claim_refresh(&attempt, Duration::from_secs(90), world.now()).await.unwrap();
    assert!(matches!(claimed, Claimed::Won { .. }), "{claimed:?}");
    // Both wait for the same slot, hers the first in line.
    store.close_budget(APP, Duration::from_secs(30), world.now()).await.unwrap();
    assert_eq!(world.ask(READ).await.status, 200, "it lives, and is to be refreshed ahead");
    assert_eq!(world.run_due().await, 1, "hers is not found due while another is at it");
    assert_eq!(world.gateway().grants.under_way(), 2);
    world.advance(Duration::from_secs(31)).await;
    world.until(async || world.refreshed() == 1).await;
    world.landed().await;
    assert_eq!(world.sent(), 1);
    let of = |person: &str, grants: &[Value]| {
        grants.iter().find(|grant| grant["subject"] == person).unwrap()["generation"].clone()
    };
    let grants = world.grants().await;
    assert_eq!((of(ALICE, &grants), of(BOB, &grants)), (json!(1), json!(2)));
    world.end().await;
}

#[tokio::test]
async fn an_answer_is_waited_for_as_long_as_the_setting_says() {
    let setup = Setup::default().variable("CARDKEY_REFRESH__ANSWER_SECONDS", "0.2");
    let world = World::with(setup.variable("CARDKEY_REFRESH__SAVE_SECONDS", "0.1")).await;
    world.granted(READ).await;
    world.advance(NEARLY_OVER).await;
    let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
    world.fault(&json!({ "match": matches, "times": 1, "action": { "kind": "hold" } })).await;
    world.run_due().await;
    world.metric_becomes(&refreshes("unclear"), 1.0).await;
    world.landed().await;
    world.release().await;
    assert_eq!(world.grants().await[0]["status"], "active");
    world.end().await;
}

fn refreshes(outcome: &str) -> String {
    format!("cardkey_token_refresh_total{{app_id=\"{APP}\",outcome=\"{outcome}\"}}")
}
