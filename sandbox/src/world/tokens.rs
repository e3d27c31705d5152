//! Access and refresh tokens, found by their fingerprints. Their texts are kept beside for one purpose: a test looks for
//! them where they must not be.

use std::collections::HashMap;

use serde_json::Value;

use super::people::PersonId;
use super::refresh_log::{Fate, RefreshLog};
use crate::random::{self, Print, fingerprint};

/// Whose token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The app itself in its tenant.
    Tenant,
    /// A person, by the chain of tokens that one consent began.
    Person(PersonId, u64),
}

/// An access token.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The app it was issued to.
    pub app_id: String,
    /// Whose it is.
    pub owner: Owner,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it dies (ms).
    pub expires_ms: i64,
    /// Whether it was revoked before that.
    pub revoked: bool,
}

/// Where a refresh token is in its single use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshState {
    /// Not used yet.
    Live,
    /// Exchanged for a newer pair.
    Used,
    /// Revoked by somebody.
    Revoked,
}

/// How a refresh token was spent.
#[derive(Clone, Debug)]
pub struct Spent {
    /// When first (ms): its grace, where there is one, begins here.
    pub at_ms: i64,
    /// Fingerprint of the refresh token given for it last, if one was.
    pub successor: Option<String>,
    /// The answer with the successors, where it may have to be given again.
    pub answer: Option<Value>,
}

/// A refresh token.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    /// The app it was issued to.
    pub app_id: String,
    /// Whose it is.
    pub person: PersonId,
    /// The chain that one consent began.
    pub chain: u64,
    /// When it dies (ms).
    pub expires_ms: i64,
    /// When the person consented (ms): the chain ends a year later.
    pub consented_ms: i64,
    /// Where it is in its single use.
    pub state: RefreshState,
    /// How it was spent, if it was.
    pub spent: Option<Spent>,
}

/// All tokens, by fingerprint.
#[derive(Default)]
pub struct Tokens {
    access: HashMap<String, AccessToken>,
    refresh: HashMap<String, RefreshToken>,
    tenant: HashMap<String, (String, i64)>,
    texts: Vec<String>,
    chains: u64,
    log: RefreshLog,
}

impl Tokens {
    /// Every token that was ever issued: what must be found nowhere else.
    pub fn issued(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }

    /// What the judge judges by.
    #[must_use]
    pub const fn log(&self) -> &RefreshLog {
        &self.log
    }

    /// The same, to be written.
    pub const fn log_mut(&mut self) -> &mut RefreshLog {
        &mut self.log
    }

    /// Begins a chain: one consent.
    pub fn begin_chain(&mut self) -> u64 {
        self.chains += 1;
        self.chains
    }

    /// Issues an access token that looks like a JWT.
    pub fn issue_access(&mut self, token: AccessToken) -> String {
        let text = random::jwt_like();
        self.access.insert(fingerprint(&text), token);
        self.texts.push(text.clone());
        text
    }

    /// Issues a refresh token.
    pub fn issue_refresh(&mut self, token: RefreshToken) -> String {
        let text = format!("eyJ{}", random::url_safe(600));
        self.log.issue(&token.app_id, token.person, token.chain, Print::of(&text), token.expires_ms);
        self.refresh.insert(fingerprint(&text), token);
        self.texts.push(text.clone());
        text
    }

    /// The app's tenant token: the one there is while `renew_ms` of its life are left, else a new one; the old one lives on.
    /// Returns the token and the time at which it dies (ms).
    pub fn tenant(&mut self, app_id: &str, now_ms: i64, life_ms: i64, renew_ms: i64) -> (String, i64) {
        if let Some((text, expires_ms)) = self.tenant.get(app_id)
            && expires_ms - now_ms >= renew_ms
        {
            return (text.clone(), *expires_ms);
        }
        let text = format!("t-{}", random::url_safe(40));
        let expires_ms = now_ms + life_ms;
        let token = AccessToken {
            app_id: app_id.to_owned(),
            owner: Owner::Tenant,
            scopes: Vec::new(),
            expires_ms,
            revoked: false,
        };
        self.access.insert(fingerprint(&text), token);
        self.texts.push(text.clone());
        self.tenant.insert(app_id.to_owned(), (text.clone(), expires_ms));
        (text, expires_ms)
    }

    /// What an access token stands for.
    #[must_use]
    pub fn access(&self, text: &str) -> Option<&AccessToken> {
        self.access.get(&fingerprint(text))
    }

    /// What a refresh token stands for.
    #[must_use]
    pub fn refresh(&self, text: &str) -> Option<&RefreshToken> {
        self.refresh.get(&fingerprint(text))
    }

    /// Spends a refresh token.
    pub fn spend(&mut self, text: &str, spent: Spent) {
        if let Some(token) = self.refresh.get_mut(&fingerprint(text)) {
            if token.state == RefreshState::Live {
                self.log.end(Print::of(text), Fate::Used);
            }
            token.state = RefreshState::Used;
            token.spent = Some(spent);
        }
    }

    /// Whether the refresh token of this fingerprint has neither been used nor revoked.
    #[must_use]
    pub fn is_unused(&self, print: &str) -> bool {
        self.refresh.get(print).is_some_and(|token| token.state == RefreshState::Live)
    }

    /// Kills the refresh token of this fingerprint, if it is alive.
    pub fn kill_refresh(&mut self, print: &str) {
        if let Some(token) = self.refresh.get_mut(print).filter(|token| token.state == RefreshState::Live) {
            token.state = RefreshState::Revoked;
            self.log.revoked(print);
        }
    }

    /// Kills the live tokens for which `wanted` says yes (given app, person and chain). Returns how many died.
    pub fn revoke(&mut self, wanted: impl Fn(&str, PersonId, u64) -> bool) -> usize {
        self.revoke_access(&wanted) + self.revoke_refresh(&wanted)
    }

    /// As [`Tokens::revoke`], access tokens only.
    pub fn revoke_access(&mut self, wanted: impl Fn(&str, PersonId, u64) -> bool) -> usize {
        let mut died = 0;
        for token in self.access.values_mut().filter(|token| !token.revoked) {
            if let Owner::Person(person, chain) = token.owner
                && wanted(&token.app_id, person, chain)
            {
                token.revoked = true;
                died += 1;
            }
        }
        died
    }

    /// As [`Tokens::revoke`], refresh tokens only.
    pub fn revoke_refresh(&mut self, wanted: impl Fn(&str, PersonId, u64) -> bool) -> usize {
        let mut died = 0;
        for (print, token) in self.refresh.iter_mut().filter(|(_, token)| token.state == RefreshState::Live) {
            if wanted(&token.app_id, token.person, token.chain) {
                token.state = RefreshState::Revoked;
                self.log.revoked(print);
                died += 1;
            }
        }
        died
    }

    /// Fingerprints of the person's refresh tokens that would be accepted at `now_ms`.
    #[must_use]
    pub fn live_refresh(&self, app_id: &str, person: PersonId, now_ms: i64) -> Vec<String> {
        let live = |token: &RefreshToken| token.state == RefreshState::Live && token.expires_ms > now_ms;
        let theirs = |token: &RefreshToken| token.app_id == app_id && token.person == person;
        self.refresh.iter().filter(|(_, token)| theirs(token) && live(token)).map(|(print, _)| print.clone()).collect()
    }

    /// Fingerprints of the person's access tokens that would be accepted at `now_ms`.
    #[must_use]
    pub fn live_access(&self, app_id: &str, person: PersonId, now_ms: i64) -> Vec<String> {
        let live = |token: &AccessToken| !token.revoked && token.expires_ms > now_ms && token.app_id == app_id;
        let theirs = |token: &AccessToken| matches!(token.owner, Owner::Person(owner, _) if owner == person);
        self.access.iter().filter(|(_, token)| live(token) && theirs(token)).map(|(print, _)| print.clone()).collect()
    }
}
