//! A platform that does what the test says, a clock that stands still, and a store in a file.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth_session::*;
use crate::domain::auth_session::{CardDelivery, DeviceFlow, State};
use crate::domain::card::{Card, CardRef};
use crate::domain::hint::Hint;
use crate::domain::ids::{MessageId, PlatformId, Subject, SubjectId};
use crate::domain::rate_limit::Limit;
use crate::domain::refresh_plan::RefreshPlan;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::{Identity, TokenAnswer};
use crate::platform::{Asking, AuthorizeRequest, Cards, CodeExchange, DevicePoll, OAuth, PlatformError, SendError};
use crate::store::{PoolConfig, StoreConfig};
use crate::vault::{Keyring, Vault};

const KEY: &str = "k1:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=";

/// Calls at the same time.
const CALLS: u32 = 1_000;

/// Bytes that never repeat, a clock that the test moves.
pub(super) struct Still {
    drawn: AtomicU64,
    now: Mutex<Timestamp>,
}

impl Still {
    pub(super) fn pass(&self, duration: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.plus(duration);
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
}

impl Random for Still {
    fn fill(&self, buffer: &mut [u8]) {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer.iter_mut().rev().zip(number.iter().rev().cycle()).for_each(|(byte, value)| *byte = *value);
    }
}

/// One app's platform.
pub(super) struct Scripted {
    /// A send or a change takes a permit and gives it back.
    pub(super) gate: Semaphore,
    /// What the next sends end with; then they succeed.
    pub(super) sends: Mutex<VecDeque<SendError>>,
    /// The uuids that were sent.
    pub(super) sent: Mutex<Vec<String>>,
    /// How many cards were changed.
    pub(super) changed: AtomicU64,
    /// How many device flows were started.
    pub(super) started: AtomicU64,
}

impl Scripted {
    pub(super) fn sent(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    pub(super) fn next_send(&self, error: SendError) {
        self.sends.lock().unwrap().push_back(error);
    }
}

#[async_trait]
impl Cards for Scripted {
    async fn send(&self, _: &SubjectId, _: &Card, uuid: &str) -> Result<CardRef, SendError> {
        self.sent.lock().unwrap().push(uuid.to_owned());
        let _turn = self.gate.acquire().await.unwrap();
        let error = self.sends.lock().unwrap().pop_front();
        error.map_or_else(|| Ok(CardRef(MessageId::parse("om_1").unwrap())), Err)
    }

    async fn update(&self, _: &CardRef, _: &Card) -> Result<(), PlatformError> {
        self.changed.fetch_add(1, Ordering::Relaxed);
        let _turn = self.gate.acquire().await.unwrap();
        Ok(())
    }
}

#[async_trait]
impl OAuth for Scripted {
    fn authorize_url(&self, _: &AuthorizeRequest<'_>) -> Secret {
        Secret::new("https://platform.example/".to_owned())
    }

    fn is_issuer(&self, _: &str) -> bool {
        true
    }

    async fn exchange(&self, _: CodeExchange<'_>) -> Result<TokenAnswer, PlatformError> {
        Err(PlatformError::Unavailable)
    }

    async fn refresh(&self, _: &Secret) -> Result<TokenAnswer, PlatformError> {
        Err(PlatformError::Unavailable)
    }

    async fn identity(&self, _: &Secret) -> Result<Identity, PlatformError> {
        Err(PlatformError::Unavailable)
    }

    async fn revoke(&self, _: &Secret) -> Result<(), PlatformError> {
        Ok(())
    }

    async fn device_start(
        &self,
        _: &ScopeSet,
        now: Timestamp,
    ) -> Option<Result<(DeviceFlow, Timestamp), PlatformError>> {
        self.started.fetch_add(1, Ordering::Relaxed);
        let flow = DeviceFlow {
            device_code: Secret::new("device".to_owned()),
            user_code: "USER".to_owned(),
            verification_uri: Secret::new("https://platform.example/device".to_owned()),
            interval_secs: 5,
            next_poll_at: now.plus(Duration::from_secs(5)),
        };
        Some(Ok((flow, now.plus(Duration::from_mins(4)))))
    }

    async fn device_poll(&self, _: &Secret) -> Result<DevicePoll, PlatformError> {
        Ok(DevicePoll::Pending)
    }
}

/// Everything, with two apps: `cli_a` of the redirect way, `cli_d` of the device way.
pub(super) struct Rig {
    pub(super) use_case: AuthSessions,
    pub(super) store: Store,
    pub(super) clock: Arc<Still>,
    pub(super) a: Arc<Scripted>,
    pub(super) d: Arc<Scripted>,
    pub(super) soft: CancellationToken,
    /// What the other processes were told.
    pub(super) told: Arc<Mutex<Vec<Hint>>>,
    tracker: TaskTracker,
    _home: tempfile::TempDir,
}

const KEEP: Keep = Keep { sessions: Duration::from_hours(168), events: Duration::from_hours(48) };

pub(super) const PER_MINUTE: u32 = 3;

impl Rig {
    pub(super) async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(Still { drawn: AtomicU64::new(1), now: Mutex::new(Timestamp::from_secs(1_800_000_000)) });
        let vault = Vault::new(Keyring::parse(KEY).unwrap(), Arc::clone(&clock) as Arc<dyn Random>);
        let url = format!("sqlite://{}?mode=rwc", home.path().join("cardkey.db").display());
        let store = Store::open(
            StoreConfig { url, pool: PoolConfig::default(), migrate: true, plan: RefreshPlan::default() },
            vault,
            &TaskTracker::new(),
        )
        .await
        .unwrap();
        let (a, d) = (scripted(), scripted());
        let redirect = AppWay::Redirect {
            start_url: "https://gateway.example/start".to_owned(),
            redirect_uri: "https://gateway.example/callback".to_owned(),
            strict: true,
        };
        let apps = HashMap::from([app("cli_a", &a, redirect), app("cli_d", &d, AppWay::Device)]);
        // Closed from the start: its `wait` ends whenever nothing runs.
        let (soft, tracker) = (CancellationToken::new(), TaskTracker::new());
        tracker.close();
        let told = Arc::<Mutex<Vec<Hint>>>::default();
        let tells = Arc::clone(&told);
        let use_case = AuthSessions::new(Parts {
            store: store.clone(),
            apps,
            tokenless: HashSet::new(),
            settings: Settings {
                expiry: Duration::from_mins(10),
                per_minute: PER_MINUTE,
                keep: KEEP,
                exchanges: Limit::within(50, 1_000),
            },
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::clone(&clock) as Arc<dyn Random>,
            metrics: Metrics::new().unwrap(),
            tasks: Tasks { tracker: tracker.clone(), soft: soft.clone() },
            tell: Arc::new(move |hint| tells.lock().unwrap().push(hint)),
        });
        Self { use_case, store, clock, a, d, soft, told, tracker, _home: home }
    }

    /// One caller asks one person of an app.
    pub(super) async fn ask(&self, app: &str, requester: &str, notification: Notification) -> Result<Asked, AskError> {
        let subject = person(app);
        let scopes = ScopeSet::from_list("a");
        let requester = requester.to_owned();
        self.use_case.ask(&Ask { subject, scopes, requester, reason: None, notification, found: None }).await
    }

    /// Runs the card job and waits until what it took up is done.
    pub(super) async fn run_cards(&self) {
        self.use_case.run_cards().await.unwrap();
        self.tracker.wait().await;
    }

    pub(super) async fn idle(&self) {
        self.tracker.wait().await;
    }

    /// The session as it is stored.
    pub(super) async fn stored(&self, id: &AuthSessionId) -> AuthSession {
        self.use_case.find(id).await.unwrap().unwrap()
    }

    /// Stores a session of a person whose card was decided and not sent yet.
    pub(super) async fn decided(&self, app: &str, number: u32, card_due_at: Timestamp) -> AuthSessionId {
        let now = self.clock.now();
        let session = AuthSession {
            subject: subject(app, &format!("ou_{number}")),
            created_at: now,
            expires_at: now.plus(Duration::from_mins(10)),
            card: CardDelivery::Sending { send_no: 1 },
            card_due_at: Some(card_due_at),
            ..session_of(&format!("{app}-{number}"), "ou")
        };
        self.store.open_session(&session, 5, now).await.unwrap();
        session.id
    }
}

/// A waiting session of this person of `cli_a`, without a card.
pub(in crate::auth_session) fn session_of(id: &str, person: &str) -> AuthSession {
    AuthSession {
        id: AuthSessionId::parse(id).unwrap(),
        subject: subject("cli_a", person),
        tenant: None,
        scopes: ScopeSet::from_list("a"),
        requesters: vec!["reports".to_owned()],
        reason: None,
        created_at: Timestamp::default(),
        expires_at: Timestamp::default(),
        opened_at: None,
        way: crate::domain::auth_session::Way::Redirect,
        attempts: 0,
        card: CardDelivery::None,
        card_due_at: None,
        let_go_at: None,
        state: State::Waiting,
        version: 1,
    }
}

/// Holds every call until it is dropped.
pub(super) fn hold(gate: &Semaphore) -> SemaphorePermit<'_> {
    gate.try_acquire_many(CALLS).unwrap()
}

/// The person whom [`Rig::ask`] asks.
pub(super) fn person(app: &str) -> Subject {
    subject(app, "ou_1")
}

/// Waits for what other tasks do.
pub(super) async fn until(condition: impl AsyncFn() -> bool) {
    while !condition().await {
        tokio::task::yield_now().await;
    }
}

fn subject(app: &str, person: &str) -> Subject {
    Subject { app: AppId::parse(app).unwrap(), id: SubjectId::parse(person).unwrap() }
}

fn scripted() -> Arc<Scripted> {
    Arc::new(Scripted {
        gate: Semaphore::new(CALLS as usize),
        sends: Mutex::default(),
        sent: Mutex::default(),
        changed: AtomicU64::new(0),
        started: AtomicU64::new(0),
    })
}

fn app(id: &str, platform: &Arc<Scripted>, way: AppWay) -> (AppId, App) {
    let id = AppId::parse(id).unwrap();
    let platform = Asking {
        id: PlatformId::parse("feishu").unwrap(),
        app: id.clone(),
        app_name: "Bot".to_owned(),
        oauth: Arc::clone(platform) as Arc<dyn OAuth>,
        cards: Arc::clone(platform) as Arc<dyn Cards>,
    };
    (id, App { platform: Arc::new(platform), way, tenant: None })
}
