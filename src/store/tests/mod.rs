//! Every test has a database of its own, as in the product: in a file, on PostgreSQL, on MariaDB. A test that is named
//! in an `on_each_database!` runs on all three; what is particular to one of them says so.

/// Makes each function a test on each database.
macro_rules! on_each_database {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(crate::store::tests::Home::new()).await; })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                super::$name(crate::store::tests::Home::on(cardkey_engines::Engine::Postgres)).await;
            })+
        }
        mod mariadb {
            $(#[tokio::test] async fn $name() {
                super::$name(crate::store::tests::Home::on(cardkey_engines::Engine::MariaDb)).await;
            })+
        }
    };
}

mod at_rest;
mod backup;
mod changes;
mod files;
mod grants;
mod group_commit;
mod housekeeping;
mod inbox;
mod jobs;
mod opening;
mod plans;
mod reasks;
mod refreshes;
mod reseal;
mod sealed_columns;
mod secrets;
mod servers;
mod sessions;
mod small_tables;
mod transitions;
mod user_info;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cardkey_engines::Engine;
use tokio_util::task::TaskTracker;

use super::*;
use crate::domain::auth_session::{AuthSession, AuthSessionId, CardDelivery, DeviceFlow, PasteFlow, State, Way};
use crate::domain::clock::Timestamp;
use crate::domain::grant::VerifiedTokens;
use crate::domain::ids::{AppId, EventId, GrantId, Subject, SubjectId};
use crate::domain::random::Random;
use crate::domain::rate_limit::Limit;
use crate::domain::refresh_plan::RefreshPlan;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::{Identity, RefreshToken, TokenAnswer};
use crate::vault::Keyring;

pub(super) const KEY_1: &str = "k1:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=";
pub(super) const KEY_2: &str = "k2:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=";

/// Bytes that never repeat within a test.
struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for (byte, value) in buffer.iter_mut().zip(number.iter().cycle()) {
            *byte = *value;
        }
    }
}

pub(super) fn vault(keyring: &str) -> Vault {
    Vault::new(Keyring::parse(keyring).unwrap(), Arc::new(Counter(AtomicU64::new(0))))
}

/// A database of a test's own: in a directory, or on a server.
pub(super) struct Home {
    directory: tempfile::TempDir,
    tracker: TaskTracker,
    server: Option<(Engine, String)>,
}

impl Home {
    pub(super) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), tracker: TaskTracker::new(), server: None }
    }

    pub(super) fn on(engine: Engine) -> Self {
        Self { server: Some((engine, engine.database())), ..Self::new() }
    }

    /// Another one of the same kind.
    pub(super) fn another(&self) -> Self {
        self.server.as_ref().map_or_else(Self::new, |(engine, _)| Self::on(*engine))
    }

    pub(super) fn file(&self, suffix: &str) -> PathBuf {
        self.directory.path().join(format!("cardkey.db{suffix}"))
    }

    pub(super) fn url(&self) -> String {
        match &self.server {
            Some((_, url)) => url.clone(),
            None => format!("sqlite://{}?mode=rwc", self.file("").display()),
        }
    }

    pub(super) fn config(&self) -> StoreConfig {
        let pool = PoolConfig { size: 1, overflow: 9, ..PoolConfig::default() };
        StoreConfig { url: self.url(), pool, migrate: true, plan: RefreshPlan::default() }
    }

    pub(super) async fn try_open(&self, config: StoreConfig, keyring: &str) -> Result<Store, StoreError> {
        Store::open(config, vault(keyring), &self.tracker).await
    }

    pub(super) async fn open(&self) -> Store {
        self.try_open(self.config(), KEY_1).await.unwrap()
    }

    /// What writes has ended; panics if it does not.
    pub(super) async fn ended(&self) {
        self.tracker.close();
        tokio::time::timeout(Duration::from_mins(1), self.tracker.wait()).await.unwrap();
    }
}

pub(super) const fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + secs)
}

pub(super) fn app(name: &str) -> AppId {
    AppId::parse(name).unwrap()
}

pub(super) fn event(name: impl std::fmt::Display) -> EventId {
    EventId::parse(&name.to_string()).unwrap()
}

pub(super) fn subject(name: &str) -> Subject {
    Subject { app: app("cli_a"), id: SubjectId::parse(name).unwrap() }
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// A waiting session of the redirect way without a card.
pub(super) fn session(id: &str, subject_id: &str) -> AuthSession {
    AuthSession {
        id: AuthSessionId::parse(id).unwrap(),
        subject: subject(subject_id),
        tenant: None,
        scopes: ScopeSet::from_list("im:message contact:user"),
        requesters: vec!["reports, \"weekly\"".to_owned()],
        reason: Some("to send — the report".to_owned()),
        created_at: at(0),
        expires_at: at(600),
        opened_at: None,
        way: Way::Redirect,
        attempts: 0,
        card: CardDelivery::None,
        card_due_at: None,
        let_go_at: None,
        state: State::Waiting,
        version: 1,
    }
}

pub(super) fn device(next_poll_at: Timestamp) -> Way {
    Way::Device(DeviceFlow {
        device_code: secret("CANARY-device-code"),
        user_code: "CANARY-USER".to_owned(),
        verification_uri: secret("https://accounts.example/CANARY-verification"),
        interval_secs: 5,
        next_poll_at,
    })
}

pub(super) fn paste() -> Way {
    Way::Paste(PasteFlow { state: secret("CANARY-paste-state"), verifier: secret("CANARY-paste-verifier") })
}

pub(super) fn tokens(mark: &str) -> VerifiedTokens {
    VerifiedTokens {
        answer: answer(mark),
        identity: Identity {
            subject: SubjectId::parse("ou_1").unwrap(),
            tenant: None,
            name: Some("王小明".to_owned()),
            mobile: Some(secret("+86-CANARY-mobile")),
            email: Some(secret("CANARY-mail@example.com")),
        },
    }
}

pub(super) fn answer(mark: &str) -> TokenAnswer {
    TokenAnswer {
        access: secret(&format!("u-CANARY-access-{mark}")),
        access_ttl: Duration::from_hours(2),
        refresh: Some(RefreshToken {
            token: secret(&format!("ur-CANARY-refresh-{mark}")),
            ttl: Some(Duration::from_hours(7 * 24)),
        }),
        scopes: ScopeSet::from_list("im:message"),
        subject: None,
        tenant: None,
    }
}

pub(super) fn grant_id(text: &str) -> GrantId {
    GrantId::parse(text).unwrap()
}

/// Opens the session and completes it with a grant of this id.
pub(super) async fn complete(
    store: &Store,
    session: AuthSession,
    grant: &str,
    mark: &str,
) -> crate::domain::grant::GrantFacts {
    assert!(matches!(store.open_session(&session, 5, at(0)).await.unwrap(), Open::Created));
    let tokens = tokens(mark);
    let session = session.exchanging(secret("code"), secret("verifier"), at(1)).unwrap();
    let Save::Stored(session) = store.save_session(session).await.unwrap() else { panic!("lost") };
    let session = session.completed(grant_id(grant), &tokens.answer.scopes, at(2)).unwrap();
    match store.complete_session(session, &tokens, at(2)).await.unwrap() {
        Save::Stored((_, facts)) => facts,
        Save::Lost => panic!("lost"),
    }
}

/// The session after a stored transition.
pub(super) fn stored<T>(save: Save<T>) -> T {
    match save {
        Save::Stored(value) => value,
        Save::Lost => panic!("lost"),
    }
}
