//! Events by webhook: who takes them.
//!
//! An app with a webhook takes what comes by it at any time; which way the platform sends is decided at its console.

use std::sync::Arc;

use super::{Base, platforms::Built, streams};
use crate::dispatch::Dispatch;
use crate::web::Webhooks;

/// The webhooks of all apps, with the same handler as the streams.
pub(super) fn webhooks(base: &Base, platforms: &[Built], dispatch: &Dispatch) -> Webhooks {
    Webhooks::new(
        platforms.iter().map(|built| &*built.platform),
        streams::handler(dispatch.clone(), base.shutdown.tracker.clone()),
        Arc::clone(&base.ambient.clock),
        base.metrics.clone(),
    )
}
