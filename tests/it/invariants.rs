//! Invariants of refreshing that no other test has for its subject: docs/invariants.md names them all.

use std::time::Duration;

use cardkey::domain::grant::Grant;
use cardkey::domain::ids::{AttemptId, GrantId};
use cardkey::domain::scopes::ScopeSet;
use cardkey::domain::secret::Secret;
use cardkey::domain::token::{RefreshToken, TokenAnswer};
use cardkey::store::Spooled;
use serde_json::json;

use crate::harness::{APP, World};

const READ: &[&str] = &["apaas:app:read"];

/// Most of an access token's life.
const NEARLY_OVER: Duration = Duration::from_secs(5_800);

/// As the settings' defaults are, and the pause that follows the third answer that is unclear.
const LEASE: Duration = Duration::from_secs(90);
const LAST_PAUSE: Duration = Duration::from_mins(2);

impl World {
    pub(crate) async fn stored(&self) -> Grant {
        let id = GrantId::parse(self.grants().await[0]["id"].as_str().unwrap()).unwrap();
        self.gateway().store().grant_by_id(&id).await.unwrap().unwrap()
    }

    /// Puts a pair into the spool that replaces the one `spent` has.
    fn put_into_spool(&self, spent: &Grant, name: &str) {
        let pair = Spooled {
            attempt: AttemptId::parse(name).unwrap(),
            grant: spent.facts.id.clone(),
            app: Some(spent.facts.subject.app.clone()),
            version: spent.facts.version,
            answer: TokenAnswer {
                access: Secret::new(format!("u-{name}")),
                access_ttl: Duration::from_hours(2),
                refresh: Some(RefreshToken { token: Secret::new(format!("ur-{name}")), ttl: None }),
                scopes: ScopeSet::default(),
                subject: None,
                tenant: None,
            },
            obtained_at: self.now(),
        };
        self.gateway().store().spool(&self.spool(), &pair).unwrap();
    }

    fn spool(&self) -> std::path::PathBuf {
        self.directory.path().join("cardkey.db-spool")
    }

    async fn replay(&self) {
        self.gateway().grants.run_spool().await.unwrap();
        assert_eq!(std::fs::read_dir(self.spool()).unwrap().count(), 0, "what has its place leaves the spool");
    }

    /// The access token in the row, and the one that was set aside.
    async fn kept(&self) -> (String, String) {
        let first = self.stored().await;
        assert!(self.gateway().store().recall(&first, self.now()).await.unwrap(), "one was set aside");
        let second = self.stored().await;
        assert!(!self.gateway().store().recall(&second, self.now()).await.unwrap(), "and no other");
        (first.access.expose().to_owned(), second.access.expose().to_owned())
    }
}

#[tokio::test]
async fn i24_spooled_pairs_come_to_the_same_in_any_order_however_often() {
    for order in [["a", "b"], ["b", "a"]] {
        let world = World::new().await;
        world.granted(READ).await;
        let spent = world.stored().await;
        for name in order.into_iter().chain(order) {
            world.put_into_spool(&spent, name);
            world.replay().await;
        }
        assert_eq!(world.stored().await.facts.version.generation, spent.facts.version.generation + 1, "I5");
        let kept = world.kept().await;
        assert_eq!(kept, (format!("u-{}", order[0]), format!("u-{}", order[1])), "I4: neither is lost");
        world.end().await;
    }
}

#[tokio::test]
async fn i25_when_the_faults_stop_a_grant_is_well_within_two_pauses_and_a_lease() {
    let world = World::new().await;
    world.granted(READ).await;
    let action = json!({ "kind": "status", "status": 502, "body": {} });
    let matches = json!({ "api": "oauth_token", "grant_type": "refresh_token" });
    world.fault(&json!({ "match": matches, "action": action })).await;
    world.advance(NEARLY_OVER).await;
    let unclear = format!("cardkey_token_refresh_total{{app_id=\"{APP}\",outcome=\"unclear\"}}");
    for (tries, pause) in [(1, 31), (2, 31), (3, 0)] {
        world.gateway().grants.run_refreshes(world.now()).await.unwrap();
        world.metric_becomes(&unclear, f64::from(tries)).await;
        world.metric_becomes(&format!("cardkey_refresh_in_flight{{app_id=\"{APP}\"}}"), 0.0).await;
        world.advance(Duration::from_secs(pause)).await;
    }
    world.sandbox.feishu().faults.clear();
    world.advance(LEASE + 2 * LAST_PAUSE).await;
    let well = async || {
        world.gateway().grants.run_refreshes(world.now()).await.unwrap();
        world.stored().await.facts.version.generation == 2
    };
    world.until(well).await;
    assert_eq!(world.grants().await[0]["status"], "active");
    world.end().await;
}
