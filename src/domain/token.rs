//! What a platform hands out: a pair of tokens, and whose they are.

use std::time::Duration;

use crate::domain::ids::{SubjectId, TenantKey};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;

/// The answer of a platform's token endpoint, checked: the texts are header-safe and within size.
#[derive(Debug, Clone)]
pub struct TokenAnswer {
    /// The access token.
    pub access: Secret,
    /// How long the access token lives from now.
    pub access_ttl: Duration,
    /// The refresh token, if one was granted.
    pub refresh: Option<RefreshToken>,
    /// The scopes that were granted, by the platform's word.
    pub scopes: ScopeSet,
    /// Whose they are, where the answer says so.
    pub subject: Option<SubjectId>,
    /// Of which organisation they are, where the answer says so.
    pub tenant: Option<TenantKey>,
}

impl TokenAnswer {
    /// An answer that names no scopes grants what was asked for (RFC 6749 §5.1), or what was held before.
    #[must_use]
    pub fn or_scopes(self, known: &ScopeSet) -> Self {
        if self.scopes.is_empty() { Self { scopes: known.clone(), ..self } } else { self }
    }
}

/// A refresh token; on the strict platforms it may be used once.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The token.
    pub token: Secret,
    /// How long it lives from now, if the platform says so.
    pub ttl: Option<Duration>,
}

/// Whose token it is, read with the token itself: the only proof of the person.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The person, as the app that the token belongs to sees them.
    pub subject: SubjectId,
    /// The person's organisation.
    pub tenant: Option<TenantKey>,
    /// The name to show.
    pub name: Option<String>,
    /// The mobile number; sealed at rest.
    pub mobile: Option<Secret>,
    /// The e-mail address; sealed at rest.
    pub email: Option<Secret>,
}

impl Identity {
    /// Some platforms name the organisation with the tokens, and not with the person.
    #[must_use]
    pub fn or_tenant(self, told: Option<&TenantKey>) -> Self {
        Self { tenant: self.tenant.or_else(|| told.cloned()), ..self }
    }
}
