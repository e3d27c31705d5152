//! The registered apps and their switches.

use std::collections::HashMap;

use crate::options::{AppSpec, RefreshMode};
use crate::random;

/// One registered app.
#[expect(clippy::struct_excessive_bools, reason = "switches of the platform, in any combination")]
#[derive(Clone)]
pub struct App {
    /// `cli_` and 16 hex digits.
    pub app_id: String,
    /// The secret of the app. Never logged.
    pub secret: String,
    /// The name people read.
    pub name: String,
    /// The tenant the app belongs to.
    pub tenant_key: String,
    /// Switched on.
    pub enabled: bool,
    /// Installed in its tenant.
    pub installed: bool,
    /// The bot ability.
    pub bot: bool,
    /// User tokens may be refreshed.
    pub refresh: bool,
    /// What a spent refresh token still does.
    pub refresh_mode: RefreshMode,
    /// Needs no secret with PKCE.
    pub public_client: bool,
    /// The scopes it may ask for; `None`: every scope.
    pub scopes: Option<Vec<String>>,
    /// The registered redirect addresses; `None`: every address.
    pub redirect_uris: Option<Vec<String>>,
    /// The `token` in the header of its events.
    pub verification_token: String,
    /// What its webhooks are sealed and signed with, if it was set.
    pub encrypt_key: Option<String>,
}

impl App {
    fn new(app_id: &str, tenant_key: &str) -> Self {
        Self {
            app_id: app_id.to_owned(),
            secret: random::hex(32),
            name: "Sandbox bot".to_owned(),
            tenant_key: tenant_key.to_owned(),
            enabled: true,
            installed: true,
            bot: true,
            refresh: true,
            refresh_mode: RefreshMode::Strict,
            public_client: false,
            scopes: None,
            redirect_uris: None,
            verification_token: random::fixed_hex(&format!("verification {app_id}")),
            encrypt_key: None,
        }
    }

    fn change(&mut self, spec: AppSpec) {
        set(&mut self.secret, spec.secret);
        set(&mut self.name, spec.name);
        set(&mut self.tenant_key, spec.tenant_key);
        set(&mut self.enabled, spec.enabled);
        set(&mut self.installed, spec.installed);
        set(&mut self.bot, spec.bot);
        set(&mut self.refresh, spec.refresh);
        set(&mut self.refresh_mode, spec.refresh_mode);
        set(&mut self.public_client, spec.public_client);
        self.scopes = spec.scopes.or_else(|| self.scopes.take());
        self.encrypt_key = spec.encrypt_key.or_else(|| self.encrypt_key.take());
        self.redirect_uris = spec.redirect_uris.or_else(|| self.redirect_uris.take());
    }

    /// Whether the app may ask for `scope`.
    #[must_use]
    pub fn may_ask(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|one| one == scope))
    }

    /// Whether `uri` is registered. A fragment does not count: the page puts it behind the query.
    #[must_use]
    pub fn may_redirect(&self, uri: &str) -> bool {
        let plain = uri.split('#').next().unwrap_or(uri);
        self.redirect_uris.as_ref().is_none_or(|uris| uris.iter().any(|one| one == plain))
    }
}

/// Takes the new value if there is one.
pub(super) fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// All apps, in the order they came.
#[derive(Default)]
pub struct Apps {
    by_id: HashMap<String, App>,
    order: Vec<String>,
}

impl Apps {
    /// Adds or changes an app. True if it is new.
    pub fn put(&mut self, spec: AppSpec, default_tenant: &str) -> bool {
        let app_id = spec.app_id.clone();
        let new = !self.by_id.contains_key(&app_id);
        if new {
            self.order.push(app_id.clone());
        }
        self.by_id.entry(app_id.clone()).or_insert_with(|| App::new(&app_id, default_tenant)).change(spec);
        new
    }

    /// The app of this id.
    #[must_use]
    pub fn get(&self, app_id: &str) -> Option<&App> {
        self.by_id.get(app_id)
    }

    /// All apps in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = &App> {
        self.order.iter().filter_map(|id| self.by_id.get(id))
    }
}
