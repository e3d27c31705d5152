//! Refreshes per second of the gateway against the sandbox, which limits nothing here: access tokens live for two seconds, the
//! app is eager, so that always more is due than can be done.

use std::path::Path;
use std::time::{Duration, Instant};

use cardkey::domain::clock::Timestamp;
use cardkey::domain::ids::GrantId;
use cardkey_sandbox::judge::Totals;
use cardkey_sandbox::options::Lifetimes;
use cardkey_sandbox::world::tokens::{AccessToken, Owner, RefreshState, RefreshToken};
use cardkey_sandbox::{DEFAULT_APP_ID, Options, Sandbox};

use crate::databases::{Home, Kind, Row};
use crate::gateway::Recipe;

const ACCESS_LIFE_S: i64 = 2;
const WARM_UP: Duration = Duration::from_secs(2);
pub(crate) const SETTINGS: &str = "in_flight = 256\nper_second = 10000\nper_minute = 100000";

/// A gateway's database and a platform of its own.
pub(crate) struct Bench {
    pub(crate) kind: Kind,
    sandbox: Sandbox,
    home: Home,
    recipe: Recipe,
    people: usize,
}

/// What a round came to.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// Of the gateway's process, per 1,000 refreshes.
    pub(crate) cpu_seconds: f64,
    pub(crate) rss_mb: f64,
}

/// How it stands at the end.
pub(crate) struct Standing {
    pub(crate) totals: Totals,
    /// Grants whose stored refresh token is not the one that lives at the platform.
    pub(crate) stale: usize,
    pub(crate) people: usize,
}

impl Standing {
    pub(crate) const fn is_right(&self) -> bool {
        let totals = &self.totals;
        totals.lost + totals.double_sends + totals.overlapping_sends + totals.denied + totals.unknown_sends == 0
            && self.stale == 0
    }
}

impl Bench {
    pub(crate) async fn new(kind: Kind, folder: &Path, people: usize, now: Timestamp) -> Self {
        let lifetimes = Lifetimes { access_token_s: ACCESS_LIFE_S, ..Lifetimes::default() };
        let options = Options { generated_people: people, rate_limits: false, lifetimes, ..Options::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let home = Home::new(kind, folder, "sustained").await;
        let rows = consents(&sandbox, people, now);
        home.fill(rows.into_iter()).await;
        let recipe = Recipe::new(&home, folder, &sandbox, SETTINGS, "refresh = \"eager\"");
        Self { kind, sandbox, home, recipe, people }
    }

    /// One round: started, warmed up, measured, stopped.
    pub(crate) async fn round(&self, length: Duration) -> Round {
        let gateway = self.recipe.start();
        tokio::time::sleep(WARM_UP).await;
        let (sent, cpu, begun) = (self.answered(), gateway.cpu_seconds(), Instant::now());
        tokio::time::sleep(length).await;
        let refreshes = (self.answered() - sent) as f64;
        let round = Round {
            per_second: refreshes / begun.elapsed().as_secs_f64(),
            cpu_seconds: (gateway.cpu_seconds() - cpu) / refreshes * 1e3,
            rss_mb: gateway.rss_mb(),
        };
        gateway.stop();
        round
    }

    /// What the platform and the database say, once nothing is under way.
    pub(crate) async fn standing(&self) -> Standing {
        let totals = self.sandbox.judge_settled().await.totals;
        let store = self.home.store().await;
        let mut stale = 0;
        for number in 0..self.people {
            let grant = store.grant_by_id(&id(number)).await.unwrap().unwrap();
            let world = self.sandbox.feishu().world.lock();
            let token = world.tokens.refresh(grant.refresh.unwrap().expose());
            stale += usize::from(token.is_none_or(|token| token.state != RefreshState::Live));
        }
        store.close().await;
        Standing { totals, stale, people: self.people }
    }

    /// Requests whose answer has gone out whole.
    fn answered(&self) -> usize {
        let state = self.sandbox.feishu().world.lock();
        state.tokens.log().sent().iter().filter(|sent| sent.settled.is_some_and(|settled| settled.whole)).count()
    }
}

fn id(number: usize) -> GrantId {
    GrantId::parse(&format!("sustained-{number:06}")).unwrap()
}

/// Everybody consents.
fn consents(sandbox: &Sandbox, people: usize, now: Timestamp) -> Vec<Row> {
    let feishu = sandbox.feishu();
    let now_ms = feishu.clock.now_ms();
    let mut state = feishu.world.lock();
    let ids: Vec<String> = state.people.iter().map(|person| person.open_id.clone()).skip(3).collect();
    let scopes: Vec<String> = ["contact:user.base:readonly", "offline_access"].map(str::to_owned).into();
    let mut rows = Vec::with_capacity(people);
    for (number, open_id) in ids.into_iter().enumerate() {
        let person = state.people.find(&open_id).unwrap();
        state.grants.consent(DEFAULT_APP_ID, person, scopes.clone());
        let chain = state.tokens.begin_chain();
        let (app_id, owner) = (DEFAULT_APP_ID.to_owned(), Owner::Person(person, chain));
        let expires_ms = now_ms + ACCESS_LIFE_S * 1_000;
        let access = AccessToken { app_id: app_id.clone(), owner, scopes: scopes.clone(), expires_ms, revoked: false };
        let refresh = RefreshToken {
            app_id,
            person,
            chain,
            expires_ms: now_ms + Lifetimes::default().refresh_token_s * 1_000,
            consented_ms: now_ms,
            state: RefreshState::Live,
            spent: None,
        };
        rows.push(Row {
            id: id(number),
            subject: open_id,
            access: state.tokens.issue_access(access),
            refresh: state.tokens.issue_refresh(refresh),
            obtained_at: now,
            access_ends: now.plus(Duration::from_secs(2)),
            refresh_ends: now.plus(Duration::from_hours(7 * 24)),
            due: now,
            deadline: now.plus(Duration::from_secs(2)),
        });
    }
    rows
}
