//! A pair that comes late heals a grant that has died meanwhile: what its person was asked is taken back, and who waits is given
//! the token.

use std::net::SocketAddr;
use std::time::Duration;

use cardkey::domain::ids::AttemptId;
use cardkey::domain::scopes::ScopeSet;
use cardkey::domain::secret::Secret;
use cardkey::domain::token::{RefreshToken, TokenAnswer};
use cardkey::store::Spooled;
use cardkey_sandbox::{ALICE, DEFAULT_APP_SECRET};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{APP, Reply, Setup, World};

const READ: &[&str] = &["apaas:app:read"];

const MORE: &[&str] = &["apaas:app:read", "apaas:workspace:read"];

/// Longer than an access token lives.
const OVER: Duration = Duration::from_secs(7_300);

on_each_server!(who_waits_at_another_replica_has_the_token_too);

/// A world whose spool is in this folder, and in which nobody is asked but by services.
fn at_next_use(spool: &TempDir) -> Setup {
    Setup::default()
        .variable("CARDKEY_AUTH__REASK", "on_next_use")
        .variable("CARDKEY_REFRESH__SPOOL", spool.path().to_str().unwrap())
}

impl World {
    /// The successor of the grant's present pair, got by somebody who has not saved it yet.
    async fn somebody_sleeps_on_a_pair(&self) -> Spooled {
        let spent = self.stored().await;
        let body = json!({
            "grant_type": "refresh_token", "client_id": APP, "client_secret": DEFAULT_APP_SECRET,
            "refresh_token": spent.refresh.as_ref().unwrap().expose(),
        });
        let url = format!("{}/open-apis/authen/v2/oauth/token", self.sandbox.base_url());
        let answer: Value = self.http.post(url).json(&body).send().await.unwrap().json().await.unwrap();
        let token = |name: &str| Secret::new(answer[name].as_str().unwrap().to_owned());
        Spooled {
            attempt: AttemptId::parse("asleep").unwrap(),
            grant: spent.facts.id,
            app: Some(spent.facts.subject.app),
            version: spent.facts.version,
            answer: TokenAnswer {
                access: token("access_token"),
                access_ttl: Duration::from_hours(2),
                refresh: Some(RefreshToken { token: token("refresh_token"), ttl: None }),
                scopes: ScopeSet::default(),
                subject: None,
                tenant: None,
            },
            obtained_at: self.now(),
        }
    }

    /// The sleeper wakes: the pair goes where it belongs.
    async fn it_wakes(&self, spool: &TempDir, pair: &Spooled) {
        self.gateway().store().spool(spool.path(), pair).unwrap();
        assert_eq!(self.gateway().grants.run_spool().await.unwrap(), 1);
        assert_eq!(self.grants().await[0]["status"], "active");
    }

    /// A caller waits at this gateway.
    async fn waits_at(&self, api: SocketAddr) -> Reply {
        let request = self.http.post(format!("http://{api}/v1/tokens")).bearer_auth(&self.key);
        self.send(request.header("prefer", "wait=60").json(&Self::body(ALICE, READ, &json!({})))).await
    }

    /// Callers wait at this gateway for what they need a consent for until the pair comes after all; their session.
    async fn given_after_all(&self, spool: &TempDir, at: SocketAddr) -> String {
        self.granted(READ).await;
        self.advance(OVER).await;
        let pair = self.somebody_sleeps_on_a_pair().await;
        let asks = futures_util::future::join_all((0..2).map(|_| self.waits_at(at)));
        let (replies, session) = tokio::join!(asks, async {
            self.card_turns(ALICE, "blue").await;
            assert_eq!(self.grants().await[0]["status"], "needs_consent");
            let session = self.ask(READ).await.session();
            self.it_wakes(spool, &pair).await;
            session
        });
        for reply in &replies {
            assert_eq!(reply.status, 200, "{}", reply.text);
            assert_eq!(reply.json()["access_token"], pair.answer.access.expose());
        }
        session
    }

    async fn taken_back(&self) -> u64 {
        self.count(&format!("cardkey_reask_total{{app_id=\"{APP}\",outcome=\"taken_back\"}}")).await
    }
}

#[tokio::test]
async fn a_pair_that_comes_late_takes_the_card_back_and_who_waits_has_the_token() {
    let spool = TempDir::new().unwrap();
    let world = World::with(at_next_use(&spool)).await;
    let session = world.given_after_all(&spool, world.gateway().api).await;
    let card = world.card_turns(ALICE, "wathet").await;
    assert!(card["card"].to_string().contains("There is nothing left for you to do."), "{card}");
    assert_eq!((world.status(&session).await.as_str(), world.taken_back().await), ("cancelled", 1));
    assert_eq!(world.ask(READ).await.status, 200);
    world.end().await;
}

async fn who_waits_at_another_replica_has_the_token_too() {
    let spool = TempDir::new().unwrap();
    let world = World::with(at_next_use(&spool)).await;
    let other = world.another_gateway().await;
    let session = world.given_after_all(&spool, other.api).await;
    world.card_turns(ALICE, "wathet").await;
    assert_eq!(world.status(&session).await, "cancelled");
    other.stop().await;
    world.end().await;
}

#[tokio::test]
async fn the_card_that_nobody_waits_for_is_taken_back_too() {
    let spool = TempDir::new().unwrap();
    let world = World::with(Setup::default().variable("CARDKEY_REFRESH__SPOOL", spool.path().to_str().unwrap())).await;
    world.granted(READ).await;
    world.advance(OVER).await;
    let pair = world.somebody_sleeps_on_a_pair().await;
    world.gateway().grants.run_refreshes(world.now()).await.unwrap();
    world.card_turns(ALICE, "blue").await;
    world.it_wakes(&spool, &pair).await;
    world.card_turns(ALICE, "wathet").await;
    assert_eq!(world.ask(READ).await.json()["access_token"], pair.answer.access.expose());
    world.end().await;
}

#[tokio::test]
async fn a_question_for_more_stands() {
    let spool = TempDir::new().unwrap();
    let world = World::with(at_next_use(&spool)).await;
    world.granted(READ).await;
    world.advance(OVER).await;
    let pair = world.somebody_sleeps_on_a_pair().await;
    assert_eq!(world.ask(READ).await.status, 202);
    let session = world.ask(MORE).await.session();
    world.card_turns(ALICE, "blue").await;
    world.it_wakes(&spool, &pair).await;
    world.gateway().auth_sessions.run_take_back().await.unwrap();
    assert_eq!((world.status(&session).await.as_str(), world.taken_back().await), ("pending", 0));
    assert_eq!(world.ask(READ).await.status, 200, "what the grant holds is given");
    world.end().await;
}
