//! Links that name an auth session to a person's browser: a session's id and a mac of it, for one purpose. Nothing is
//! stored for them, and one purpose's link says nothing about another's.

use crate::domain::ids::AuthSessionId;
use crate::domain::secret::Secret;
use crate::store::Store;
use crate::vault::Mac;

/// The longest text that is looked at, in bytes: a session's id, a key's id, a tag.
const MAX_TOKEN: usize = 128;

impl Store {
    /// The part of a link that names this session: `<id>.<key id>.<tag>`.
    #[must_use]
    pub fn link_token(&self, purpose: &str, id: &AuthSessionId) -> Secret {
        let mac = self.vault.mac(purpose, id.as_str().as_bytes());
        Secret::new(format!("{id}.{}", mac.to_text()))
    }

    /// The session that a link names, if we made the link for this purpose.
    #[must_use]
    pub fn open_link_token(&self, purpose: &str, token: &str) -> Option<AuthSessionId> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (id, mac) = token.split_once('.')?;
        let mac = Mac::parse(mac)?;
        self.vault.verify_mac(purpose, id.as_bytes(), &mac).then(|| AuthSessionId::parse(id).ok())?
    }
}
