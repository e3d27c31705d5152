//! Logins of one mini-program: the capability, call by call.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::api::Api;
use super::{login, open_data, phone_number, proof, session, share_code};
use crate::domain::clock::Timestamp;
use crate::domain::identity::PhoneNumber;
use crate::domain::ids::SubjectId;
use crate::domain::secret::Secret;
use crate::platform::{
    Identities, LoggedIn, LoginError, NotGenuine, Picture, PlatformError, Sealed, ShareCode, Signed,
};

/// Logins of one app.
pub(super) struct WeChatIdentities {
    pub(super) api: Api,
}

#[async_trait]
impl Identities for WeChatIdentities {
    async fn log_in(&self, code: &Secret) -> Result<LoggedIn, LoginError> {
        login::log_in(&self.api, code).await
    }

    fn open(
        &self,
        sealed: &Sealed<'_>,
        session: &Secret,
        subject: &SubjectId,
        now: Timestamp,
    ) -> Result<Map<String, Value>, NotGenuine> {
        open_data::open(sealed, session, (&self.api.config.app_id, subject), now)
    }

    fn read(&self, signed: &Signed<'_>, session: &Secret) -> Result<Map<String, Value>, NotGenuine> {
        proof::read(signed, session)
    }

    async fn phone_number(&self, code: &Secret, subject: &SubjectId) -> Result<PhoneNumber, LoginError> {
        phone_number::phone_number(&self.api, code, subject).await
    }

    async fn is_session(&self, subject: &SubjectId, session: &Secret) -> Result<bool, PlatformError> {
        session::is_session(&self.api, subject, session).await
    }

    async fn renew_session(&self, subject: &SubjectId, session: &Secret) -> Result<Option<Secret>, PlatformError> {
        session::renew(&self.api, subject, session).await
    }

    async fn share_code(&self, wanted: &ShareCode<'_>) -> Result<Picture, PlatformError> {
        share_code::share_code(&self.api, wanted).await
    }
}
