//! Authorization codes, and what each person has consented to per app. Consents accumulate until they are revoked.

use std::collections::{BTreeSet, HashMap};

use super::people::PersonId;
use crate::random;

/// How the verifier of a code is compared with the challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeMethod {
    /// The verifier is the challenge. The platform's default.
    Plain,
    /// The challenge is the verifier's SHA-256.
    S256,
}

/// The PKCE challenge sent to the authorize page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// How to compare.
    pub method: ChallengeMethod,
    /// The challenge as sent.
    pub value: String,
}

/// What a code stands for.
#[derive(Clone, Debug)]
pub struct Code {
    /// The app that asked.
    pub app_id: String,
    /// Who consented.
    pub person: PersonId,
    /// The redirect address given to the authorize page.
    pub redirect_uri: String,
    /// The PKCE challenge given to the authorize page.
    pub challenge: Option<Challenge>,
    /// When it dies (ms).
    pub expires_ms: i64,
    /// Whether it was exchanged.
    pub used: bool,
}

/// All codes and consents.
#[derive(Default)]
pub struct Grants {
    codes: HashMap<String, Code>,
    consents: HashMap<(String, PersonId), BTreeSet<String>>,
}

impl Grants {
    /// Every code that was ever issued.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.codes.keys().map(String::as_str)
    }

    /// Issues a code of 64 characters.
    pub fn issue_code(&mut self, code: Code) -> String {
        let text = random::url_safe(64);
        self.codes.insert(text.clone(), code);
        text
    }

    /// What `code` stands for, to be changed.
    pub fn code_mut(&mut self, code: &str) -> Option<&mut Code> {
        self.codes.get_mut(code)
    }

    /// What `code` stands for.
    #[must_use]
    pub fn code(&self, code: &str) -> Option<&Code> {
        self.codes.get(code)
    }

    /// Adds to what the person has consented to.
    pub fn consent(&mut self, app_id: &str, person: PersonId, scopes: impl IntoIterator<Item = String>) {
        self.consents.entry((app_id.to_owned(), person)).or_default().extend(scopes);
    }

    /// Everything the person has consented to, in alphabetical order.
    #[must_use]
    pub fn consented(&self, app_id: &str, person: PersonId) -> Vec<String> {
        self.consents
            .get(&(app_id.to_owned(), person))
            .map(|scopes| scopes.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Forgets what the person has consented to, and kills the codes not yet exchanged.
    pub fn forget(&mut self, app_id: &str, person: PersonId) {
        self.consents.remove(&(app_id.to_owned(), person));
        self.codes.retain(|_, code| code.used || code.app_id != app_id || code.person != person);
    }
}
