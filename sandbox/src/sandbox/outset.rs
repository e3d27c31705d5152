//! What a sandbox starts with: its platforms, their default apps, and the people.

use std::sync::{Arc, RwLock};

use tokio_util::task::TaskTracker;

use super::Ground;
use crate::clock::Clock;
use crate::dingtalk::DingTalk;
use crate::faults::Faults;
use crate::feishu::Feishu;
use crate::feishu::apaas::Tables;
use crate::feishu::rate_limit::RateLimits;
use crate::journal::Journal;
use crate::options::{
    ALICE, AppSpec, BOB, CAROL, DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TENANT_KEY, DINGTALK_CLIENT_ID,
    DINGTALK_CLIENT_SECRET, DINGTALK_CORP_ID, Options, PersonSpec, WECHAT_APP_ID, WECHAT_APP_SECRET,
};
use crate::site::Site;
use crate::wechat::WeChat;
use crate::world::{State, World};

/// A site with nothing asked of it yet.
fn site(ground: &Ground, clock: &Arc<Clock>, state: State, names: [&str; 2]) -> Site {
    let [default_app_id, tenant_key] = names.map(str::to_owned);
    Site {
        clock: Arc::clone(clock),
        world: World::new(state),
        lifetimes: ground.options.lifetimes,
        tenant_key,
        default_app_id,
        public_url: ground.options.public_url.clone().unwrap_or_else(|| ground.base_url()),
        faults: Faults::default(),
        journal: Journal::default(),
        tasks: TaskTracker::new(),
        stop: ground.stop.clone(),
    }
}

/// The Feishu that a sandbox starts with.
pub(super) fn feishu(ground: &Ground, clock: &Arc<Clock>) -> Feishu {
    let options = &ground.options;
    let state = first_state(options, DEFAULT_TENANT_KEY, feishu_apps(options));
    Feishu {
        site: Arc::new(site(ground, clock, state, [DEFAULT_APP_ID, DEFAULT_TENANT_KEY])),
        limits: RateLimits::new(options.rate_limits, options.token_limit),
        tables: Tables::default(),
        streams: RwLock::default(),
    }
}

/// The DingTalk that a sandbox starts with; its tasks run where those of the others do.
pub(super) fn dingtalk(ground: &Ground, clock: &Arc<Clock>, tasks: TaskTracker) -> DingTalk {
    let options = &ground.options;
    let state = first_state(options, DINGTALK_CORP_ID, dingtalk_apps(options));
    let site = site(ground, clock, state, [DINGTALK_CLIENT_ID, DINGTALK_CORP_ID]);
    let site = Site { lifetimes: options.dingtalk.lifetimes, tasks, ..site };
    DingTalk::new(Arc::new(site), options.rate_limits, options.token_limit)
}

/// The WeChat that a sandbox starts with. Its people belong to no organisation.
pub(super) fn wechat(ground: &Ground, clock: &Arc<Clock>, tasks: TaskTracker) -> WeChat {
    let options = &ground.options;
    let state = first_state(options, "", wechat_apps(options));
    let site = Site { tasks, ..site(ground, clock, state, [WECHAT_APP_ID, ""]) };
    WeChat::new(Arc::new(site), options.rate_limits)
}

fn feishu_apps(options: &Options) -> Vec<AppSpec> {
    let default_app = AppSpec {
        app_id: DEFAULT_APP_ID.to_owned(),
        secret: Some(DEFAULT_APP_SECRET.to_owned()),
        name: Some("Cardkey".to_owned()),
        ..AppSpec::default()
    };
    std::iter::once(default_app).chain(options.apps.iter().cloned()).collect()
}

fn dingtalk_apps(options: &Options) -> Vec<AppSpec> {
    let default_app = AppSpec {
        app_id: DINGTALK_CLIENT_ID.to_owned(),
        secret: Some(DINGTALK_CLIENT_SECRET.to_owned()),
        name: Some("Cardkey".to_owned()),
        ..AppSpec::default()
    };
    std::iter::once(default_app).chain(options.dingtalk.apps.iter().cloned()).collect()
}

fn wechat_apps(options: &Options) -> Vec<AppSpec> {
    let default_app = AppSpec {
        app_id: WECHAT_APP_ID.to_owned(),
        secret: Some(WECHAT_APP_SECRET.to_owned()),
        name: Some("Cardkey".to_owned()),
        ..AppSpec::default()
    };
    std::iter::once(default_app).chain(options.wechat_apps.iter().cloned()).collect()
}

/// The same people at every platform, each platform with its own record of them. They are called by the ids of the default app.
fn first_state(options: &Options, tenant_key: &str, apps: Vec<AppSpec>) -> State {
    let mut state = State::default();
    state.people.know_app(DEFAULT_APP_ID);
    for app in apps {
        state.people.know_app(&app.app_id);
        state.apps.put(app, tenant_key);
    }
    for (open_id, name, locale) in [(ALICE, "Alice 陈爱丽", "zh"), (BOB, "Bob", "en"), (CAROL, "Carol", "en")] {
        let person = PersonSpec {
            open_id: Some(open_id.to_owned()),
            name: Some(name.to_owned()),
            locale: Some(locale.to_owned()),
            ..PersonSpec::default()
        };
        state.people.put(person, tenant_key);
    }
    for person in &options.people {
        state.people.put(person.clone(), tenant_key);
    }
    state.people.generate(options.generated_people, tenant_key);
    state
}
