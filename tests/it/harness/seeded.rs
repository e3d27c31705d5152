//! Grants put into a world's database without the platform, and read back with another key ring.

use std::sync::Arc;
use std::time::Duration;

use cardkey::app::OsRandom;
use cardkey::domain::auth_session::{AuthSession, CardDelivery, State, Way};
use cardkey::domain::clock::Timestamp;
use cardkey::domain::grant::VerifiedTokens;
use cardkey::domain::ids::{AppId, AuthSessionId, GrantId, Subject, SubjectId};
use cardkey::domain::refresh_plan::RefreshPlan;
use cardkey::domain::scopes::ScopeSet;
use cardkey::domain::secret::Secret;
use cardkey::domain::token::{Identity, RefreshToken, TokenAnswer};
use cardkey::store::{PoolConfig, Save, Store, StoreConfig};
use cardkey::vault::{Keyring, Vault};
use tokio_util::task::TaskTracker;

use super::setup::APP;
use super::world::World;

const HOUR: Duration = Duration::from_hours(1);

impl World {
    /// The world's database with this key ring, beside whatever process has it.
    pub(crate) async fn open_store(&self, keyring: &str) -> Store {
        let url = self.database.split('"').nth(1).unwrap().to_owned();
        let vault = Vault::new(Keyring::parse(keyring).unwrap(), Arc::new(OsRandom));
        Store::open(
            StoreConfig { url, pool: PoolConfig::default(), migrate: true, plan: RefreshPlan::default() },
            vault,
            &TaskTracker::new(),
        )
        .await
        .unwrap()
    }

    /// Puts grants of so many people into the database.
    pub(crate) async fn seed(&self, keyring: &str, people: usize) {
        let store = self.open_store(keyring).await;
        let numbers: Vec<usize> = (0..people).collect();
        for some in numbers.chunks(250) {
            futures_util::future::join_all(some.iter().map(|number| grant(&store, *number))).await;
        }
        store.close().await;
    }

    /// Opens every seeded grant with this key ring; panics if one does not open or is not what it was.
    pub(crate) async fn seeded_grants_open(&self, keyring: &str, people: usize) {
        let store = self.open_store(keyring).await;
        for number in 0..people {
            let grant = store.grant(&subject(number)).await.unwrap().unwrap();
            assert_eq!(grant.access.expose(), format!("u-seeded-{number}"));
            assert_eq!(grant.refresh.unwrap().expose(), format!("ur-seeded-{number}"));
        }
        store.close().await;
    }
}

fn subject(number: usize) -> Subject {
    Subject { app: AppId::parse(APP).unwrap(), id: SubjectId::parse(&format!("ou_seeded_{number}")).unwrap() }
}

async fn grant(store: &Store, number: usize) {
    let now = Timestamp::from_secs(2_000_000_000);
    let session = AuthSession {
        id: AuthSessionId::parse(&format!("seeded-{number}")).unwrap(),
        subject: subject(number),
        tenant: None,
        scopes: ScopeSet::from_list("a"),
        requesters: Vec::new(),
        reason: None,
        created_at: now,
        expires_at: now.plus(HOUR),
        opened_at: None,
        way: Way::Redirect,
        attempts: 0,
        card: CardDelivery::None,
        card_due_at: None,
        state: State::Waiting,
        version: 1,
    };
    store.open_session(&session, 5, now).await.unwrap();
    let secret = |text: String| Secret::new(text);
    let exchanging = session.exchanging(secret("c".to_owned()), secret("v".to_owned()), now).unwrap();
    let Save::Stored(session) = store.save_session(exchanging).await.unwrap() else { panic!("lost") };
    let refresh = RefreshToken { token: secret(format!("ur-seeded-{number}")), ttl: Some(100 * HOUR) };
    let answer = TokenAnswer {
        access: secret(format!("u-seeded-{number}")),
        access_ttl: HOUR,
        refresh: Some(refresh),
        scopes: ScopeSet::from_list("a"),
        subject: None,
    };
    let identity = Identity {
        subject: subject(number).id,
        tenant: None,
        name: None,
        mobile: Some(secret(format!("+86-{number}"))),
        email: Some(secret(format!("{number}@example.com"))),
    };
    let id = GrantId::parse(&format!("seeded-{number:06}")).unwrap();
    let session = session.completed(id, &answer.scopes, now).unwrap();
    let saved = store.complete_session(session, &VerifiedTokens { answer, identity }, now).await.unwrap();
    assert!(matches!(saved, Save::Stored(_)));
}
