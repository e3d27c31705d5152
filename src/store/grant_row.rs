//! A grant as a row, and back.
//!
//! The pair of tokens is sealed for its consent and generation; what is known of the person for the consent alone, so
//! that a refresh need not touch it.

use sea_orm::ActiveValue::Set;

use crate::domain::clock::Timestamp;
use crate::domain::expiry::nears_its_end_at;
use crate::domain::grant::{Grant, GrantFacts, GrantStatus, GrantVersion, NEVER_ASKED, VerifiedTokens};
use crate::domain::ids::{AppId, GrantId, Subject, SubjectId, TenantKey};
use crate::domain::platform_code::PlatformCode;
use crate::domain::refresh_plan::{Due, RefreshPlan};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::{Identity, TokenAnswer};
use crate::store::entity::SealedColumn;
use crate::store::entity::grant::{ActiveModel, Model};
use crate::store::error::StoreError;
use crate::store::row::{RowId, micros, timestamp};
use crate::vault::{Place, Vault};

const TABLE: &str = "grants";
const ACTIVE: &str = "active";
const NEEDS_CONSENT: &str = "needs_consent";

/// No refresh is under way, and none is known to have ended unclearly.
pub(super) const IDLE: &str = "idle";
/// A refresh token is about to be sent, or was.
pub(super) const INTENT: &str = "intent";
/// A refresh token may have been spent, and nothing came of it.
pub(super) const UNCLEAR: &str = "unclear";

/// What the person consented to, for an insert or an update: everything but the row's key and its making.
pub(super) fn consented(
    vault: &Vault,
    plan: &RefreshPlan,
    facts: &GrantFacts,
    tokens: &VerifiedTokens,
    now: Timestamp,
) -> Result<ActiveModel, StoreError> {
    let person = person(vault, facts, &tokens.identity, now)?;
    let refresh = tokens.answer.refresh.as_ref().map(|refresh| &refresh.token);
    Ok(ActiveModel {
        tenant: Set(facts.tenant.as_ref().map(|tenant| tenant.as_str().to_owned())),
        name: person.name,
        mobile_sealed: person.mobile_sealed,
        email_sealed: person.email_sealed,
        info_at: person.info_at,
        ..with_tokens(vault, plan.next(facts), facts, (&tokens.answer.access, refresh), now)?
    })
}

/// What is known of the person, sealed for the consent.
pub(super) fn person(
    vault: &Vault,
    facts: &GrantFacts,
    identity: &Identity,
    now: Timestamp,
) -> Result<ActiveModel, StoreError> {
    let sealer = Sealer { vault, id: &facts.id, consent_no: facts.version.consent_no };
    Ok(ActiveModel {
        name: Set(identity.name.clone()),
        mobile_sealed: Set(sealer.maybe("mobile_sealed", 0, identity.mobile.as_ref())?),
        email_sealed: Set(sealer.maybe("email_sealed", 0, identity.email.as_ref())?),
        info_at: Set(Some(now.as_micros())),
        ..ActiveModel::default()
    })
}

/// A pair of tokens and all that comes with it. Whatever refresh was under way is over: the row belongs to this pair.
pub(super) fn with_tokens(
    vault: &Vault,
    due: Option<Due>,
    facts: &GrantFacts,
    (access, refresh): (&Secret, Option<&Secret>),
    now: Timestamp,
) -> Result<ActiveModel, StoreError> {
    let GrantVersion { consent_no, generation } = facts.version;
    let sealer = Sealer { vault, id: &facts.id, consent_no };
    Ok(ActiveModel {
        consent_no: Set(consent_no),
        generation: Set(generation),
        status: Set(ACTIVE.to_owned()),
        scopes: Set(facts.scopes.to_string()),
        access_sealed: Set(sealer.seal("access_sealed", generation, access)?),
        refresh_sealed: Set(sealer.maybe("refresh_sealed", generation, refresh)?),
        obtained_at: Set(facts.obtained_at.as_micros()),
        access_expires_at: Set(facts.access_expires_at.as_micros()),
        refresh_expires_at: Set(micros(facts.refresh_expires_at)),
        dead_code: Set(None),
        dead_word: Set(None),
        dead_at: Set(None),
        used_at: Set(micros(facts.used_at)),
        identity_due_at: Set(micros(facts.identity_due_at)),
        expiry_due_at: Set(micros(nears_its_end_at(facts))),
        reask_due_at: Set(None),
        updated_at: Set(now.as_micros()),
        ..at_rest(due)
    })
}

/// What marks a grant as dead, and its person as to be asked again.
pub(super) fn dead(code: Option<PlatformCode>, now: Timestamp) -> ActiveModel {
    ActiveModel {
        status: Set(NEEDS_CONSENT.to_owned()),
        // The number, which an earlier version reads, tells a denial from the platform's own word even where it is none.
        dead_code: Set(code.map(|code| code.number().unwrap_or_default())),
        dead_word: Set(code.map(|code| code.to_string())),
        dead_at: Set(Some(now.as_micros())),
        reask_due_at: Set(Some(now.as_micros())),
        // Whose person is asked again has nothing to be warned of.
        expiry_due_at: Set(None),
        updated_at: Set(now.as_micros()),
        ..at_rest(None)
    }
}

/// What is left of a grant whose pair is another person's: nothing that could be given out, and nothing that a late pair
/// could heal.
pub(super) fn without_tokens(vault: &Vault, facts: &GrantFacts, now: Timestamp) -> Result<ActiveModel, StoreError> {
    let GrantVersion { consent_no, generation } = facts.version;
    let sealer = Sealer { vault, id: &facts.id, consent_no };
    let nothing = Secret::new(String::new());
    Ok(ActiveModel {
        access_sealed: Set(sealer.seal("access_sealed", generation, &nothing)?),
        refresh_sealed: Set(None),
        access_expires_at: Set(now.min(facts.access_expires_at).as_micros()),
        refresh_expires_at: Set(None),
        identity_due_at: Set(None),
        ..dead(None, now)
    })
}

/// No refresh is under way, and the next one is at this time.
fn at_rest(due: Option<Due>) -> ActiveModel {
    ActiveModel {
        refresh_state: Set(IDLE.to_owned()),
        refresh_tries: Set(0),
        refresh_owner: Set(None),
        refresh_attempt: Set(None),
        refresh_until: Set(None),
        ..planned(due)
    }
}

/// When the next refresh is due.
pub(super) fn planned(due: Option<Due>) -> ActiveModel {
    ActiveModel {
        refresh_due_at: Set(micros(due.map(|due| due.at))),
        refresh_deadline: Set(micros(due.map(|due| due.deadline))),
        ..ActiveModel::default()
    }
}

/// The expiry times and scopes that an answer gives to a grant.
pub(super) fn renewed(facts: GrantFacts, answer: &TokenAnswer, now: Timestamp) -> GrantFacts {
    let refresh_ttl = answer.refresh.as_ref().and_then(|refresh| refresh.ttl);
    let keeps_refresh = answer.refresh.is_none() && facts.refreshable;
    GrantFacts {
        status: GrantStatus::Active,
        // No scopes in the answer to a refresh means the same as before (RFC 6749 §5.1).
        scopes: if answer.scopes.is_empty() { facts.scopes } else { answer.scopes.clone() },
        obtained_at: now,
        access_expires_at: now.plus(answer.access_ttl),
        refresh_expires_at: if keeps_refresh { facts.refresh_expires_at } else { refresh_ttl.map(|ttl| now.plus(ttl)) },
        refreshable: answer.refresh.is_some() || facts.refreshable,
        identity_due_at: Some(NEVER_ASKED),
        ..facts
    }
}

struct Sealer<'a> {
    vault: &'a Vault,
    id: &'a GrantId,
    consent_no: i64,
}

impl Sealer<'_> {
    fn seal(&self, field: &'static str, generation: i64, secret: &Secret) -> Result<SealedColumn, StoreError> {
        let place = Place { table: TABLE, row: self.id.as_str(), field, consent_no: self.consent_no, generation };
        Ok(self.vault.seal(&place, secret.expose().as_bytes())?.into())
    }

    fn maybe(
        &self,
        field: &'static str,
        generation: i64,
        secret: Option<&Secret>,
    ) -> Result<Option<SealedColumn>, StoreError> {
        secret.map(|secret| self.seal(field, generation, secret)).transpose()
    }
}

/// What is public about the grant of a row.
pub(super) fn facts(row: &Model) -> Result<GrantFacts, StoreError> {
    let at = RowId { table: TABLE, id: &row.id };
    Ok(GrantFacts {
        id: at.id("id", &row.id, GrantId::parse)?,
        subject: Subject {
            app: at.id("app_id", &row.app_id, AppId::parse)?,
            id: at.id("subject", &row.subject, SubjectId::parse)?,
        },
        tenant: at.maybe_id("tenant", row.tenant.as_deref(), TenantKey::parse)?,
        name: row.name.clone(),
        version: GrantVersion { consent_no: row.consent_no, generation: row.generation },
        status: match row.status.as_str() {
            ACTIVE => GrantStatus::Active,
            NEEDS_CONSENT => GrantStatus::NeedsConsent,
            _ => return Err(at.corrupt("status")),
        },
        scopes: ScopeSet::from_list(&row.scopes),
        obtained_at: Timestamp::from_micros(row.obtained_at),
        access_expires_at: Timestamp::from_micros(row.access_expires_at),
        refresh_expires_at: timestamp(row.refresh_expires_at),
        refreshable: row.refresh_sealed.is_some(),
        info_at: timestamp(row.info_at),
        used_at: timestamp(row.used_at),
        identity_due_at: timestamp(row.identity_due_at),
    })
}

/// The grant of a row with its tokens opened.
pub(super) fn open(vault: &Vault, row: &Model) -> Result<Grant, StoreError> {
    let at = RowId { table: TABLE, id: &row.id };
    let place =
        |field| Place { table: TABLE, row: &row.id, field, consent_no: row.consent_no, generation: row.generation };
    let refresh = row.refresh_sealed.as_ref().map(|sealed| at.secret(vault, &place("refresh_sealed"), sealed));
    Ok(Grant {
        facts: facts(row)?,
        access: at.secret(vault, &place("access_sealed"), &row.access_sealed)?,
        refresh: refresh.transpose()?,
    })
}
