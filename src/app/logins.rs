//! The use case of logins, over all apps: which of them have logins is in their platforms' records.

use std::sync::Arc;

use super::{Base, platforms};
use crate::login::{App, Login};

/// The use case.
pub(super) fn login(base: &Base, platforms: &[platforms::Built]) -> Login {
    let app = |built: &platforms::Built| {
        let platform = &built.platform;
        let app = App { platform: platform.id.clone(), identities: platform.identities.clone() };
        (platform.app.clone(), app)
    };
    let apps = platforms.iter().map(app).collect();
    Login::new(base.store.clone(), apps, Arc::clone(&base.ambient.clock), base.metrics.clone())
}
