//! From a code to a stored grant: exchange, ask whose token it is, compare with who was asked, store.
//!
//! The code and its verifier are stored (sealed) before anything is sent. A code is single use. While the platform says
//! that it did nothing with it, it is tried again; when its answer is lost, the person is asked again. When the process
//! dies before the tokens are stored, the code is sent once more by the sweep; the platform then either answers or says
//! that it is spent, and the person is asked again. Nothing is stored before the identity is proven to be the asked
//! person's.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::auth_session::{App, AppWay, AuthSessions};
use crate::domain::auth_session::{AuthSession, AuthSessionId, Exchanging, Failure, InvalidTransition, State};
use crate::domain::grant::VerifiedTokens;
use crate::domain::ids::GrantId;
use crate::domain::scopes::{REFRESH_SCOPE, ScopeSet};
use crate::domain::secret::Secret;
use crate::domain::token::{Identity, TokenAnswer};
use crate::platform::{CodeExchange, PlatformCode, PlatformError};
use crate::store::{Save, StoreError};

use super::amend::AmendError;
use super::under_way::UnderWay;

/// Pauses between tries to learn whose token it is.
const IDENTITY_PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Pause between tries to store tokens that the platform has already handed out.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Tries to store them: a minute.
const STORE_TRIES: u32 = 120;

/// The PKCE challenge of a verifier (RFC 7636 §4.2, S256).
pub(super) fn challenge_of(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.expose().as_bytes()))
}

/// A code is tried this long; the platforms let it live for five minutes.
const CODE_LIVES: Duration = Duration::from_mins(4);

/// The first pause when the platform cannot be reached, and the longest.
const UNAVAILABLE_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How the identity behind a token compares with who was asked.
enum Whose {
    /// The asked person's.
    Theirs(Identity),
    /// Somebody else's.
    Anothers,
    /// The platform gave no usable answer and will not.
    Unusable,
    /// The platform could not be asked.
    Unreachable,
}

impl AuthSessions {
    /// Exchanges the session's stored code, detached from whoever brought it. Does nothing if it is under way here.
    pub(super) fn spawn_exchange(&self, id: &AuthSessionId) {
        let Some(under_way) = UnderWay::begin(self, id) else { return };
        let (this, id) = (self.clone(), id.clone());
        self.0.tasks.tracker.spawn(async move {
            if let Err(error) = this.exchange(&id).await {
                tracing::warn!(auth_session = %id, %error, "an exchange could not be finished and is left to the sweep");
            }
            drop(under_way);
        });
    }

    async fn exchange(&self, id: &AuthSessionId) -> Result<(), StoreError> {
        let Some(session) = self.find(id).await? else { return Ok(()) };
        let Some(app) = self.0.apps.get(&session.subject.app) else { return Ok(()) };
        let State::Exchanging(exchanging) = &session.state else { return Ok(()) };
        match self.spend_in_time(app, exchanging).await {
            Some(Ok(answer)) => self.receive(app, &session, answer).await,
            Some(Err(error)) => self.exchange_failed(app, &session, &error).await,
            None => Ok(()),
        }
    }

    /// Spends the code, patiently while the platform says that it did nothing with it. `None` when the process ends
    /// first: the code is stored, the next start takes it up.
    async fn spend_in_time(&self, app: &App, exchanging: &Exchanging) -> Option<Result<TokenAnswer, PlatformError>> {
        let mut pause = UNAVAILABLE_PAUSE;
        loop {
            let spent = self.spend_code(app, exchanging).await;
            let wait = match &spent {
                Err(PlatformError::RateLimited { after }) => (*after).max(UNAVAILABLE_PAUSE),
                Err(PlatformError::Unavailable) => pause,
                _ => return Some(spent),
            };
            if self.0.clock.now().plus(wait) > exchanging.since.plus(CODE_LIVES) {
                return Some(spent);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            tokio::select! {
                () = self.0.tasks.soft.cancelled() => return None,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn spend_code(&self, app: &App, exchanging: &Exchanging) -> Result<TokenAnswer, PlatformError> {
        let redirect_uri = match &app.way {
            AppWay::Redirect { redirect_uri, .. } | AppWay::Paste { redirect_uri } => redirect_uri,
            AppWay::Device => return Err(PlatformError::Rejected { code: PlatformCode::NONE }),
        };
        let Exchanging { code, verifier, .. } = exchanging;
        let name = &app.platform.app;
        self.stand_in_line(name, exchanging.since.plus(CODE_LIVES)).await?;
        let spent = app.platform.oauth.exchange(CodeExchange { code, verifier, redirect_uri }).await;
        if let Err(PlatformError::RateLimited { after }) = &spent {
            self.close_line(name, *after).await;
        }
        spent
    }

    async fn exchange_failed(&self, app: &App, session: &AuthSession, error: &PlatformError) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        if matches!(error, PlatformError::Misconfigured { .. }) {
            tracing::error!(app = %app.platform.app, %error, "the app's owner has to act: no code can be exchanged");
            return self.change(session, |session| session.failed(Failure::Misconfigured, now)).await;
        }
        tracing::warn!(
            target: "audit",
            auth_session = %session.id,
            %error,
            "a code brought no token; the person is asked again"
        );
        self.change(session, |session| session.asked_again(now)).await
    }

    /// Takes tokens in: proves whose they are, then stores them; or ends them at the platform.
    pub(super) async fn receive(
        &self,
        app: &App,
        session: &AuthSession,
        answer: TokenAnswer,
    ) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        let answer = answer.or_scopes(&session.scopes);
        match self.whose(app, session, &answer).await {
            Whose::Theirs(identity) => self.keep(app, session, VerifiedTokens { answer, identity }).await,
            Whose::Anothers => {
                self.discard(app, answer);
                self.change(session, |session| session.mismatched(now)).await
            }
            Whose::Unusable => {
                self.discard(app, answer);
                self.change(session, |session| session.failed(Failure::IdentityUnknown, now)).await
            }
            Whose::Unreachable => {
                self.discard(app, answer);
                self.change(session, |session| session.asked_again(now)).await
            }
        }
    }

    async fn whose(&self, app: &App, session: &AuthSession, answer: &TokenAnswer) -> Whose {
        let mut pauses = IDENTITY_PAUSES.iter();
        loop {
            match app.platform.oauth.identity(&answer.access).await {
                Ok(identity) => return compare(session, identity.or_tenant(answer.tenant.as_ref())),
                Err(PlatformError::Unavailable | PlatformError::Unclear | PlatformError::RateLimited { .. }) => {}
                Err(error) => {
                    tracing::warn!(auth_session = %session.id, %error, "the platform does not say whose token it gave");
                    return Whose::Unusable;
                }
            }
            match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Whose::Unreachable,
            }
        }
    }

    /// Stores the grant and ends the session, in one transaction. While the store is away it is tried again: the
    /// platform has spent the code, these tokens exist nowhere else.
    async fn keep(&self, app: &App, session: &AuthSession, tokens: VerifiedTokens) -> Result<(), StoreError> {
        self.warn_of_more(session, &tokens.answer.scopes).await;
        for attempt in 1.. {
            match self.try_keep(session, &tokens).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    tracing::warn!(auth_session = %session.id, "tokens came for a session that is over; they are revoked");
                    self.discard(app, tokens.answer);
                    return Ok(());
                }
                Err(error) if attempt >= STORE_TRIES => {
                    self.discard(app, tokens.answer);
                    return Err(error);
                }
                Err(error) => {
                    tracing::error!(auth_session = %session.id, %error, "tokens cannot be stored yet; trying again");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
        Ok(())
    }

    /// Scopes that are neither asked for now nor granted earlier: platforms add them up, so this is no error.
    async fn warn_of_more(&self, session: &AuthSession, granted: &ScopeSet) {
        let Ok(held) = self.0.store.grant(&session.subject).await else { return };
        let held = held.map(|grant| grant.facts.scopes).unwrap_or_default();
        let known = held.union(&session.scopes).union(&ScopeSet::from_list(REFRESH_SCOPE));
        let more = known.missing(granted);
        if !more.is_empty() {
            tracing::warn!(target: "audit", auth_session = %session.id, scopes = %more, "more was granted than was asked");
        }
    }

    /// Whether the tokens are stored; false if the session ended without them.
    async fn try_keep(&self, session: &AuthSession, tokens: &VerifiedTokens) -> Result<bool, StoreError> {
        loop {
            let now = self.0.clock.now();
            let Some(before) = self.find(&session.id).await? else { return Ok(false) };
            if self.is_kept(&before, tokens).await? {
                return Ok(true);
            }
            let known = self.0.store.grant_id_for(&before.subject).await?;
            let grant = known.unwrap_or_else(|| GrantId::generate(now, &*self.0.random));
            let Ok(after) = before.clone().completed(grant, &tokens.answer.scopes, now) else { return Ok(false) };
            let after = self.with_card_due(&before, after);
            if let Save::Stored((stored, _)) = self.0.store.complete_session(after, tokens, now).await? {
                self.settle(&before, &stored);
                return Ok(true);
            }
        }
    }

    /// Whether an earlier try was stored, although it seemed to fail.
    async fn is_kept(&self, session: &AuthSession, tokens: &VerifiedTokens) -> Result<bool, StoreError> {
        if !matches!(session.state, State::Completed(_)) {
            return Ok(false);
        }
        let grant = self.0.store.grant(&session.subject).await?;
        Ok(grant.is_some_and(|grant| grant.access.matches(tokens.answer.access.expose())))
    }

    /// Ends tokens that nobody may keep, detached: nobody waits for it. Best effort: they are written nowhere, and die
    /// by themselves.
    fn discard(&self, app: &App, answer: TokenAnswer) {
        let platform = Arc::clone(&app.platform);
        self.0.tasks.tracker.spawn(async move {
            let refresh = answer.refresh.as_ref().map(|refresh| &refresh.token);
            for token in refresh.into_iter().chain([&answer.access]) {
                if let Err(error) = platform.oauth.revoke(token).await {
                    tracing::warn!(app = %platform.app, %error, "a token that was not kept could not be revoked");
                }
            }
        });
    }

    /// A transition that may come too late: then somebody else's stands.
    pub(super) async fn change(
        &self,
        session: &AuthSession,
        change: impl Fn(AuthSession) -> Result<AuthSession, InvalidTransition>,
    ) -> Result<(), StoreError> {
        match self.amend(&session.id, change).await {
            Ok(_) | Err(AmendError::Unknown | AmendError::Invalid(_)) => Ok(()),
            Err(AmendError::Store(error)) => Err(error),
        }
    }
}

fn compare(session: &AuthSession, identity: Identity) -> Whose {
    let same_person = identity.subject == session.subject.id;
    let same_tenant = match (&session.tenant, &identity.tenant) {
        (Some(asked), Some(found)) => asked == found,
        (Some(_), None) => false,
        (None, _) => true,
    };
    if same_person && same_tenant {
        return Whose::Theirs(identity);
    }
    tracing::warn!(
        target: "audit",
        auth_session = %session.id,
        subject = %session.subject,
        same_tenant,
        "somebody else consented; nothing is kept"
    );
    Whose::Anothers
}
