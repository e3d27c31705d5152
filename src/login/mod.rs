//! The use case "who is this": a code that the platform gave to a person's client comes in, and an identity that the platform
//! vouches for goes out. What a login session will be built on.
//!
//! Knows no platform by name and no HTTP. A session key never leaves: it is sealed in the store, with the one before it, because what
//! the client holds may have been made before the login.

mod error;
mod genuine;
mod session;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::clock::Clock;
use crate::domain::identity::VerifiedIdentity;
use crate::domain::ids::{AppId, PlatformId, Subject};
use crate::domain::secret::Secret;
use crate::metrics::Metrics;
use crate::platform::{Identities, Picture, Sealed, ShareCode, Signed};
use crate::store::{SessionKeys, Store};

pub use error::IdentifyError;
pub use session::SessionState;

/// The use case. Clones share everything.
#[derive(Clone)]
pub struct Login(Arc<Inner>);

struct Inner {
    store: Store,
    apps: HashMap<AppId, App>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

/// One app as this use case needs it.
pub struct App {
    /// Its platform.
    pub platform: PlatformId,
    /// Its logins, if its platform has them.
    pub identities: Option<Arc<dyn Identities>>,
}

/// An app of a platform, as a path names them.
#[derive(Debug, Clone)]
pub struct Place {
    /// The platform.
    pub platform: PlatformId,
    /// The app.
    pub app: AppId,
}

/// What a person's client handed over.
#[derive(Debug)]
pub struct Presented {
    /// The login code.
    pub code: Secret,
    /// What the client was given to read, with its signature.
    pub signed: Option<(String, String)>,
    /// What the client was given encrypted, with what it was begun with.
    pub sealed: Option<(String, String)>,
    /// A code that stands for the phone number.
    pub phone_code: Option<Secret>,
}

impl Login {
    /// The use case over all configured apps.
    #[must_use]
    pub fn new(store: Store, apps: HashMap<AppId, App>, clock: Arc<dyn Clock>, metrics: Metrics) -> Self {
        Self(Arc::new(Inner { store, apps, clock, metrics }))
    }

    /// Whether there is such an app on this platform.
    #[must_use]
    pub fn knows(&self, place: &Place) -> bool {
        self.0.apps.get(&place.app).is_some_and(|app| app.platform == place.platform)
    }

    /// Asks the platform who this is.
    pub async fn identify(&self, place: &Place, presented: &Presented) -> Result<VerifiedIdentity, IdentifyError> {
        let identities = self.identities(place)?;
        let identified = self.verify(place, identities, presented).await;
        let outcome = identified.as_ref().map_or_else(IdentifyError::word, |_| "verified");
        self.0.metrics.identity(place.app.as_str(), outcome);
        if let Err(error) = &identified {
            error.log(&place.app);
        }
        identified
    }

    async fn verify(
        &self,
        place: &Place,
        identities: &dyn Identities,
        presented: &Presented,
    ) -> Result<VerifiedIdentity, IdentifyError> {
        let person = identities.log_in(&presented.code).await?;
        let subject = Subject { app: place.app.clone(), id: person.subject };
        let keys = self.0.store.keep_session_key(&subject, &person.session, self.0.clock.now()).await?;
        let profile = profile(identities, presented, &keys)?;
        let open_data = self.open_data(identities, presented, &keys, &subject)?;
        let phone = match &presented.phone_code {
            Some(code) => Some(identities.phone_number(code, &subject.id).await.map_err(IdentifyError::of_phone)?),
            None => None,
        };
        Ok(VerifiedIdentity {
            platform: place.platform.clone(),
            subject,
            union: person.union,
            profile,
            open_data,
            phone,
        })
    }

    fn open_data(
        &self,
        identities: &dyn Identities,
        presented: &Presented,
        keys: &SessionKeys,
        subject: &Subject,
    ) -> Result<Option<Map<String, Value>>, IdentifyError> {
        let Some((data, iv)) = &presented.sealed else { return Ok(None) };
        let (sealed, now) = (Sealed { data, iv }, self.0.clock.now());
        Ok(Some(genuine::by_either(keys, |key| identities.open(&sealed, key, &subject.id, now))?))
    }

    /// Has the platform draw a picture that leads to a page of the app.
    pub async fn share_code(&self, place: &Place, wanted: &ShareCode<'_>) -> Result<Picture, IdentifyError> {
        Ok(self.identities(place)?.share_code(wanted).await?)
    }

    fn identities(&self, place: &Place) -> Result<&dyn Identities, IdentifyError> {
        let app = self.0.apps.get(&place.app).filter(|app| app.platform == place.platform);
        let app = app.ok_or(IdentifyError::UnknownApp)?;
        app.identities.as_deref().ok_or(IdentifyError::NotOffered)
    }
}

/// What the client was given to read, if it is what the platform signed.
fn profile(
    identities: &dyn Identities,
    presented: &Presented,
    keys: &SessionKeys,
) -> Result<Option<Map<String, Value>>, IdentifyError> {
    let Some((text, signature)) = &presented.signed else { return Ok(None) };
    let signed = Signed { text, signature };
    Ok(Some(genuine::by_either(keys, |key| identities.read(&signed, key))?))
}
