//! The redirect way: our landing page, the flow it starts, and the page that shows the end. The callback in between is
//! `callback.rs`.
//!
//! A flow is one opened link: a 256-bit single-use `state` (kept as a hash), a PKCE verifier (sealed) and the hash of a
//! nonce in a cookie. Several may be open at once (a phone and a desk); the first callback burns them all.

use aws_lc_rs::digest;

use crate::auth_session::cards::START_LINK;
use crate::auth_session::{App, AppWay, AuthSessions};
use crate::domain::auth_session::{AuthSession, AuthSessionId};
use crate::domain::ids::{AppId, PlatformId};
use crate::domain::random::token_256;
use crate::domain::secret::Secret;
use crate::platform::AuthorizeRequest;
use crate::store::{Flow, StoreError};

use super::amend::AmendError;
use super::exchange::challenge_of;

/// What the result link's token is for.
const RESULT_LINK: &str = "result";

/// The longest code accepted, in bytes; the platforms say to reserve 64.
const MAX_CODE: usize = 1_024;

/// What the landing page shows.
pub struct Landing {
    /// The session as it stands.
    pub session: AuthSession,
    /// The app's name.
    pub app_name: String,
    /// Names exactly what is shown; comes back with the person's decision to go on.
    pub offered: String,
}

/// A flow that was started.
pub struct Begun {
    /// Where the browser goes.
    pub authorize_url: Secret,
    /// What the browser keeps in its cookie.
    pub cookie: Secret,
    /// What tells this flow's cookie from those of others in the same browser.
    pub tag: String,
}

/// Why a start link leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It is not one of ours, or not of this app.
    #[error("this link is not valid")]
    Unknown,
    /// The question is over.
    #[error("this question is over")]
    Over(Box<AuthSession>),
    /// What is asked changed since the page was drawn: it is to be shown again.
    #[error("the question changed")]
    Changed,
    /// The store is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthSessions {
    /// What the landing page of this start link shows. Changes nothing: link previews open it too.
    pub async fn landing(&self, platform: &PlatformId, app: &AppId, token: &str) -> Result<Landing, StartError> {
        let (entry, session) = self.by_start_link(platform, app, token).await?;
        Ok(Landing { offered: session.face(), app_name: entry.platform.app_name.clone(), session })
    }

    /// The person goes on: from here on nothing is merged into the question. `offered` is what the page showed.
    pub async fn start(
        &self,
        platform: &PlatformId,
        app: &AppId,
        token: &str,
        offered: &str,
    ) -> Result<Begun, StartError> {
        let (entry, session) = self.by_start_link(platform, app, token).await?;
        let AppWay::Redirect { redirect_uri, .. } = &entry.way else { return Err(StartError::Unknown) };
        if session.face() != offered {
            return Err(StartError::Changed);
        }
        let now = self.0.clock.now();
        let opened = match self.amend(&session.id, |session| Ok(session.opened(now))).await {
            Ok(opened) => opened,
            Err(AmendError::Store(error)) => return Err(error.into()),
            Err(_) => return Err(StartError::Unknown),
        };
        if opened.face() != offered {
            return Err(StartError::Changed);
        }
        let (state, verifier, cookie) =
            (token_256(&*self.0.random), token_256(&*self.0.random), token_256(&*self.0.random));
        let challenge = challenge_of(&verifier);
        self.0
            .store
            .add_flow(&Flow {
                state_hash: hash(&state),
                auth_session: opened.id.clone(),
                verifier,
                cookie_hash: hash(&cookie),
                created_at: now,
                burnt: false,
            })
            .await?;
        let request = AuthorizeRequest { redirect_uri, state: &state, challenge: &challenge, scopes: &opened.scopes };
        Ok(Begun { authorize_url: entry.platform.oauth.authorize_url(&request), cookie, tag: flow_tag(&state) })
    }

    async fn by_start_link(
        &self,
        platform: &PlatformId,
        app: &AppId,
        token: &str,
    ) -> Result<(&App, AuthSession), StartError> {
        let entry = self.redirect_app(platform, app).ok_or(StartError::Unknown)?;
        let id = self.0.store.open_link_token(START_LINK, token).ok_or(StartError::Unknown)?;
        let session = self.find(&id).await?.filter(|session| session.subject.app == *app).ok_or(StartError::Unknown)?;
        let now = self.0.clock.now();
        if session.is_pending() && !session.is_overdue(now) {
            return Ok((entry, session));
        }
        Err(StartError::Over(Box::new(self.as_of_now(session))))
    }

    /// The sweep may not have come by yet; what the person sees is already true.
    fn as_of_now(&self, session: AuthSession) -> AuthSession {
        session.clone().expired(self.0.clock.now()).unwrap_or(session)
    }

    pub(super) fn redirect_app(&self, platform: &PlatformId, app: &AppId) -> Option<&App> {
        let entry = self.0.apps.get(app).filter(|entry| entry.platform.id == *platform)?;
        matches!(entry.way, AppWay::Redirect { .. }).then_some(entry)
    }

    /// What the callback of this app calls the code.
    #[must_use]
    pub fn code_names(&self, platform: &PlatformId, app: &AppId) -> &'static [&'static str] {
        self.redirect_app(platform, app).map_or(&[], |entry| entry.platform.oauth.code_names())
    }

    /// The address part that names a session to its result page and nothing else.
    #[must_use]
    pub fn result_token(&self, id: &AuthSessionId) -> Secret {
        self.0.store.link_token(RESULT_LINK, id)
    }

    /// The session of a result page, if it is one of this app.
    pub async fn result(&self, app: &AppId, token: &str) -> Result<Option<AuthSession>, StoreError> {
        let Some(id) = self.0.store.open_link_token(RESULT_LINK, token) else { return Ok(None) };
        let session = self.find(&id).await?.filter(|session| session.subject.app == *app);
        Ok(session.map(|session| self.as_of_now(session)))
    }
}

/// What can be an authorization code: it is sent on, so only characters that RFC 6749 allows and a bounded length.
pub(super) fn is_code(code: &Secret) -> bool {
    let text = code.expose();
    (1..=MAX_CODE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A short public name of a flow, made of its `state`: part of the name of its cookie.
#[must_use]
pub fn flow_tag(state: &Secret) -> String {
    hex::encode(&hash(state)[..6])
}

pub(super) fn hash(secret: &Secret) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, secret.expose().as_bytes());
    digest.as_ref().try_into().unwrap_or_default()
}
