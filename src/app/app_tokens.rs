//! Where the apps' own tokens outlive the process: joins the platforms' cache to the store. The platforms are built, and
//! with them the configuration checked, before there is a store; until then nothing is kept.
//!
//! Nobody waits long for it: a look is short, and writing happens behind the caller's back.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::FutureExt as _;
use tokio_util::task::TaskTracker;

use crate::domain::ids::AppId;
use crate::domain::secret::Secret;
use crate::platform::app_token::{KeptToken, Shelf};
use crate::store::Store;

/// How long is looked for a token before one is fetched.
const LOOK: Duration = Duration::from_secs(1);

/// The tokens of all apps.
#[derive(Clone, Default)]
pub(super) struct AppTokens(Arc<OnceLock<(Store, TaskTracker)>>);

impl AppTokens {
    /// From now on tokens are kept here.
    pub(super) fn open(&self, store: Store, tracker: TaskTracker) {
        drop(self.0.set((store, tracker)));
    }

    /// The place of this app's token.
    pub(super) fn shelf(&self, app: &AppId) -> Shelf {
        let (look, keep) = (self.clone(), self.clone());
        let (of_look, of_keep) = (app.clone(), app.clone());
        Shelf {
            look: Box::new(move || look.clone().look(of_look.clone()).boxed()),
            keep: Box::new(move |kept, refused| keep.keep(of_keep.clone(), kept, refused)),
        }
    }

    async fn look(self, app: AppId) -> Option<KeptToken> {
        let (store, _) = self.0.get()?;
        match tokio::time::timeout(LOOK, store.app_token(&app)).await {
            Ok(Ok(found)) => found.map(|(token, until)| KeptToken { token, until }),
            Ok(Err(error)) => {
                tracing::warn!(%app, %error, "the app's kept token cannot be read: another one is fetched");
                None
            }
            Err(_) => None,
        }
    }

    fn keep(&self, app: AppId, kept: KeptToken, refused: Option<Secret>) {
        let Some((store, tracker)) = self.0.get() else { return };
        let store = store.clone();
        tracker.spawn(async move {
            if let Err(error) = store.keep_app_token(&app, &kept.token, kept.until, refused.as_ref()).await {
                tracing::warn!(%app, %error, "the app's token could not be kept: the next start fetches one");
            }
        });
    }
}
