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
    let secret = |text: String| Secret::new(text);
    let refresh = RefreshToken { token: secret(format!("ur-seeded-{number}")), ttl: Some(100 * HOUR) };
    let answer = TokenAnswer {
        access: secret(format!("u-seeded-{number}")),
        access_ttl: HOUR,
        refresh: Some(refresh),
        scopes: ScopeSet::from_list("a"),
        subject: None,
        tenant: None,
    };
    let identity = Identity {
        subject: subject(number).id,
        tenant: None,
        name: None,
        mobile: Some(secret(format!("+86-{number}"))),
        email: Some(secret(format!("{number}@example.com"))),
    };
    let (name, now) = (format!("seeded-{number:06}"), Timestamp::from_secs(2_000_000_000));
    put_grant(store, &name, ScopeSet::from_list("a"), VerifiedTokens { answer, identity }, now).await;
}

/// Puts a grant into the database the way it gets there from a consent to `asked`. Session and grant have this name.
pub(crate) async fn put_grant(store: &Store, name: &str, asked: ScopeSet, tokens: VerifiedTokens, now: Timestamp) {
    let session = AuthSession {
        id: AuthSessionId::parse(name).unwrap(),
        subject: Subject { app: AppId::parse(APP).unwrap(), id: tokens.identity.subject.clone() },
        tenant: None,
        scopes: asked,
        requesters: Vec::new(),
        reason: None,
        created_at: now,
        expires_at: now.plus(HOUR),
        opened_at: None,
        way: Way::Redirect,
        attempts: 0,
        card: CardDelivery::None,
        card_due_at: None,
        let_go_at: None,
        state: State::Waiting,
        version: 1,
    };
    store.open_session(&session, 5, now).await.unwrap();
    let secret = |text: &str| Secret::new(text.to_owned());
    let exchanging = session.exchanging(secret("c"), secret("v"), now).unwrap();
    let Save::Stored(session) = store.save_session(exchanging).await.unwrap() else { panic!("lost") };
    let session = session.completed(GrantId::parse(name).unwrap(), &tokens.answer.scopes, now).unwrap();
    let saved = store.complete_session(session, &tokens, now).await.unwrap();
    assert!(matches!(saved, Save::Stored(_)));
}
