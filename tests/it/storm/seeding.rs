//! Grants of everybody before the storm: a consent each, put into the platform and, sealed, into the gateways' database.

use std::sync::Arc;
use std::time::Duration;

use cardkey::app::{OsRandom, SystemClock};
use cardkey::domain::clock::Clock as _;
use cardkey::domain::grant::VerifiedTokens;
use cardkey::domain::ids::{AppId, Subject, SubjectId};
use cardkey::domain::refresh_plan::RefreshPlan;
use cardkey::domain::scopes::ScopeSet;
use cardkey::domain::secret::Secret;
use cardkey::domain::token::{Identity, RefreshToken, TokenAnswer};
use cardkey::store::{PoolConfig, Store, StoreConfig};
use cardkey::vault::{Keyring, Vault};
use cardkey_sandbox::world::tokens;
use futures_util::StreamExt as _;
use tokio_util::task::TaskTracker;

use super::plan::{Plan, THRESHOLD};
use crate::harness::{APP, MASTER_KEY, World, put_grant};

const SCOPES: [&str; 2] = ["apaas:app:read", "offline_access"];

/// How long a refresh token lives, at the platform and by what the gateways are told.
const REFRESH_LIFE: Duration = Duration::from_hours(24 * 7);

/// Consents stored at a time.
const AT_A_TIME: usize = 8;

pub(super) fn app() -> AppId {
    AppId::parse(APP).unwrap()
}

pub(super) fn subject(person: &str) -> Subject {
    Subject { app: app(), id: SubjectId::parse(person).unwrap() }
}

/// The gateways' database, opened beside them.
pub(super) async fn open(world: &World) -> Store {
    let vault = Vault::new(Keyring::parse(&format!("k1:{MASTER_KEY}")).unwrap(), Arc::new(OsRandom));
    let (url, plan) = (world.database_url().to_owned(), RefreshPlan::new(THRESHOLD, [app()].into()));
    let config = StoreConfig { url, pool: PoolConfig::default(), migrate: true, plan };
    Store::open(config, vault, &TaskTracker::new()).await.unwrap()
}

/// Gives everybody a grant.
pub(super) async fn seed(world: &World, plan: &Plan, people: &[String]) {
    let store = open(world).await;
    let mut draw = plan.draw(6);
    // Not all due at once: what is left of a first token's life is drawn.
    let lives = people.iter().map(|_| draw.within(&(life(plan) / 4..life(plan)))).collect::<Vec<_>>();
    let granted = people.iter().zip(lives).enumerate().map(|(number, (person, life))| {
        let (store, tokens) = (&store, consent(world, person, life));
        async move {
            let asked = ScopeSet::from_list(SCOPES[0]);
            put_grant(store, &format!("storm-{number:06}"), asked, tokens, SystemClock.now()).await;
        }
    });
    futures_util::stream::iter(granted).buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await;
    store.close().await;
}

fn life(plan: &Plan) -> Duration {
    Duration::from_secs(plan.life_s.unsigned_abs())
}

/// A consent at the platform: its first pair.
fn consent(world: &World, person: &str, life: Duration) -> VerifiedTokens {
    let feishu = world.sandbox.feishu();
    let now_ms = feishu.clock.now_ms();
    let after = |life: Duration| now_ms + i64::try_from(life.as_millis()).unwrap();
    let mut state = feishu.world.lock();
    let id = state.people.find(person).unwrap();
    let (chain, scopes) = (state.tokens.begin_chain(), SCOPES.map(str::to_owned));
    state.grants.consent(APP, id, scopes.clone());
    let access = state.tokens.issue_access(tokens::AccessToken {
        app_id: APP.to_owned(),
        owner: tokens::Owner::Person(id, chain),
        scopes: scopes.into(),
        expires_ms: after(life),
        revoked: false,
    });
    let refresh = state.tokens.issue_refresh(tokens::RefreshToken {
        app_id: APP.to_owned(),
        person: id,
        chain,
        expires_ms: after(REFRESH_LIFE),
        consented_ms: now_ms,
        state: tokens::RefreshState::Live,
        spent: None,
    });
    let answer = TokenAnswer {
        access: Secret::new(access),
        access_ttl: life,
        refresh: Some(RefreshToken { token: Secret::new(refresh), ttl: Some(REFRESH_LIFE) }),
        scopes: ScopeSet::from_list(&SCOPES.join(" ")),
        subject: None,
        tenant: None,
    };
    let identity = Identity { subject: subject(person).id, tenant: None, name: None, mobile: None, email: None };
    VerifiedTokens { answer, identity }
}
