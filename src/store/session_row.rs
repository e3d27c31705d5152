//! An auth session as a row, and back.
//!
//! All secret parts of a version of a session are sealed for that version: an older value put back does not open.

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::domain::auth_session::{
    AuthSession, AuthSessionId, CardDelivery, Completed, DeviceFlow, Exchanging, Failure, PasteFlow, State, Way,
};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, GrantId, MessageId, Subject, SubjectId, TenantKey};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::store::digest;
use crate::store::entity::SealedColumn;
use crate::store::entity::auth_session::{ActiveModel, Column, Entity, Model};
use crate::store::error::StoreError;
use crate::store::packed::{pack, unpack};
use crate::store::row::{RowId, micros, timestamp};
use crate::vault::{Place, Vault};

const TABLE: &str = "auth_sessions";

/// A transition that is ready to be stored: sealed already, so that the writer has little to do.
#[derive(Clone)]
pub(super) struct Transition {
    session: AuthSession,
    row: ActiveModel,
    from: i64,
}

impl Transition {
    /// Seals the session's new state under the next version.
    pub(super) fn seal(vault: &Vault, session: AuthSession) -> Result<Self, StoreError> {
        let from = session.version;
        let session = AuthSession { version: from.saturating_add(1), ..session };
        let mut row = encode(vault, &session)?;
        row.id = NotSet;
        // When a card was wanted is said once: a session that had one once counts as one that had.
        row.card_wanted_at = NotSet;
        // It is no transition: whoever is at one does not know of it.
        row.let_go_at = NotSet;
        if session.card == CardDelivery::None {
            row.with_card = NotSet;
        }
        Ok(Self { session, row, from })
    }

    /// The same, as the one that gives the session its card.
    pub(super) fn with_card_at(mut self, now: Timestamp) -> Self {
        self.row.card_wanted_at = Set(Some(now.as_micros()));
        self
    }

    /// Stores it, if the row still has the version that the caller read.
    pub(super) async fn store(self, tx: &DatabaseTransaction) -> Result<Option<AuthSession>, StoreError> {
        let updated = Entity::update_many()
            .set(self.row)
            .filter(Column::Id.eq(self.session.id.as_str()))
            .filter(Column::Version.eq(self.from))
            .exec(tx)
            .await?;
        Ok((updated.rows_affected == 1).then_some(self.session))
    }
}

/// The row of a session.
pub(super) fn encode(vault: &Vault, session: &AuthSession) -> Result<ActiveModel, StoreError> {
    let mut row = ActiveModel {
        id: Set(session.id.as_str().to_owned()),
        app_id: Set(session.subject.app.as_str().to_owned()),
        subject: Set(session.subject.id.as_str().to_owned()),
        tenant: Set(session.tenant.as_ref().map(|tenant| tenant.as_str().to_owned())),
        scopes: Set(session.scopes.to_string()),
        requesters: Set(serde_json::Value::from(session.requesters.clone()).to_string()),
        reason: Set(session.reason.clone()),
        created_at: Set(session.created_at.as_micros()),
        expires_at: Set(session.expires_at.as_micros()),
        opened_at: Set(micros(session.opened_at)),
        attempts: Set(i64::from(session.attempts)),
        card_due_at: Set(micros(session.card_due_at)),
        with_card: Set(session.card != CardDelivery::None),
        card_wanted_at: Set((session.card != CardDelivery::None).then(|| session.created_at.as_micros())),
        let_go_at: Set(micros(session.let_go_at)),
        open_key: Set(session.is_pending().then(|| digest::subject(&session.subject))),
        version: Set(session.version),
        ..ActiveModel::default()
    };
    put_way(vault, session, &mut row)?;
    put_card(&session.card, &mut row);
    put_state(vault, session, &mut row)?;
    Ok(row)
}

fn put_way(vault: &Vault, session: &AuthSession, row: &mut ActiveModel) -> Result<(), StoreError> {
    let (word, secrets) = match &session.way {
        Way::Redirect => ("redirect", None),
        Way::Device(flow) => {
            ("device", Some(pack(&[flow.device_code.expose(), &flow.user_code, flow.verification_uri.expose()])))
        }
        Way::Paste(flow) => ("paste", Some(pack(&[flow.state.expose(), flow.verifier.expose()]))),
    };
    let device = match &session.way {
        Way::Device(flow) => Some(flow),
        _ => None,
    };
    let waiting = matches!(session.state, State::Waiting);
    row.way = Set(word.to_owned());
    row.way_sealed = Set(seal(vault, session, "way_sealed", secrets.as_deref().map(Vec::as_slice))?);
    row.poll_interval_secs = Set(device.map(|flow| i64::from(flow.interval_secs)));
    row.next_poll_at = Set(device.map(|flow| flow.next_poll_at.as_micros()));
    row.poll_due_at = Set(device.filter(|_| waiting).map(|flow| flow.next_poll_at.as_micros()));
    Ok(())
}

fn put_card(card: &CardDelivery, row: &mut ActiveModel) {
    let (word, send_no, message, shown) = match card {
        CardDelivery::None => ("none", None, None, None),
        CardDelivery::Sending { send_no } => ("sending", Some(i64::from(*send_no)), None, None),
        CardDelivery::Sent { message, shown } => ("sent", None, Some(message.as_str().to_owned()), Some(shown.clone())),
    };
    row.card_state = Set(word.to_owned());
    row.card_send_no = Set(send_no);
    row.card_message = Set(message);
    row.card_shown = Set(shown);
}

fn put_state(vault: &Vault, session: &AuthSession, row: &mut ActiveModel) -> Result<(), StoreError> {
    let exchange = match &session.state {
        State::Exchanging(exchange) => Some(exchange),
        _ => None,
    };
    let secrets = exchange.map(|exchange| pack(&[exchange.code.expose(), exchange.verifier.expose()]));
    let completed = match &session.state {
        State::Completed(completed) => Some(completed),
        _ => None,
    };
    let failure = match &session.state {
        State::Failed { reason, .. } => Some(reason.as_str().to_owned()),
        _ => None,
    };
    row.state = Set(session.state.phase().to_owned());
    row.ended_at = Set(micros(session.state.ended_at()));
    row.grant_id = Set(completed.map(|completed| completed.grant.as_str().to_owned()));
    row.missing = Set(completed.map(|completed| completed.missing.to_string()));
    row.failure = Set(failure);
    row.exchange_sealed = Set(seal(vault, session, "exchange_sealed", secrets.as_deref().map(Vec::as_slice))?);
    row.exchanging_since = Set(exchange.map(|exchange| exchange.since.as_micros()));
    Ok(())
}

fn seal(
    vault: &Vault,
    session: &AuthSession,
    field: &'static str,
    secrets: Option<&[u8]>,
) -> Result<Option<SealedColumn>, StoreError> {
    let place = place(session.id.as_str(), field, session.version);
    secrets.map(|secrets| Ok(vault.seal(&place, secrets)?.into())).transpose()
}

const fn place<'a>(id: &'a str, field: &'static str, version: i64) -> Place<'a> {
    Place { table: TABLE, row: id, field, consent_no: 0, generation: version }
}

/// The session of a row.
pub(super) fn decode(vault: &Vault, row: &Model) -> Result<AuthSession, StoreError> {
    let at = RowId { table: TABLE, id: &row.id };
    Ok(AuthSession {
        id: at.id("id", &row.id, AuthSessionId::parse)?,
        subject: Subject {
            app: at.id("app_id", &row.app_id, AppId::parse)?,
            id: at.id("subject", &row.subject, SubjectId::parse)?,
        },
        tenant: at.maybe_id("tenant", row.tenant.as_deref(), TenantKey::parse)?,
        scopes: ScopeSet::from_list(&row.scopes),
        requesters: serde_json::from_str(&row.requesters).map_err(|_| at.corrupt("requesters"))?,
        reason: row.reason.clone(),
        created_at: Timestamp::from_micros(row.created_at),
        expires_at: Timestamp::from_micros(row.expires_at),
        opened_at: timestamp(row.opened_at),
        way: way(vault, row, at)?,
        attempts: at.number("attempts", row.attempts)?,
        card: card(row, at)?,
        card_due_at: timestamp(row.card_due_at),
        let_go_at: timestamp(row.let_go_at),
        state: state(vault, row, at)?,
        version: row.version,
    })
}

fn way(vault: &Vault, row: &Model, at: RowId<'_>) -> Result<Way, StoreError> {
    match row.way.as_str() {
        "redirect" => Ok(Way::Redirect),
        "device" => {
            let [device_code, user_code, verification_uri] =
                secrets(vault, row, at, "way_sealed", row.way_sealed.as_ref())?;
            let interval = at.present("poll_interval_secs", row.poll_interval_secs)?;
            Ok(Way::Device(DeviceFlow {
                device_code,
                user_code: user_code.expose().to_owned(),
                verification_uri,
                interval_secs: at.number("poll_interval_secs", interval)?,
                next_poll_at: Timestamp::from_micros(at.present("next_poll_at", row.next_poll_at)?),
            }))
        }
        "paste" => {
            let [state, verifier] = secrets(vault, row, at, "way_sealed", row.way_sealed.as_ref())?;
            Ok(Way::Paste(PasteFlow { state, verifier }))
        }
        _ => Err(at.corrupt("way")),
    }
}

fn card(row: &Model, at: RowId<'_>) -> Result<CardDelivery, StoreError> {
    match row.card_state.as_str() {
        "none" => Ok(CardDelivery::None),
        "sending" => {
            let send_no = at.present("card_send_no", row.card_send_no)?;
            Ok(CardDelivery::Sending { send_no: at.number("card_send_no", send_no)? })
        }
        "sent" => Ok(CardDelivery::Sent {
            message: at
                .present("card_message", at.maybe_id("card_message", row.card_message.as_deref(), MessageId::parse)?)?,
            shown: at.present("card_shown", row.card_shown.clone())?,
        }),
        _ => Err(at.corrupt("card_state")),
    }
}

fn state(vault: &Vault, row: &Model, at: RowId<'_>) -> Result<State, StoreError> {
    let ended = || at.present("ended_at", timestamp(row.ended_at));
    match row.state.as_str() {
        "waiting" => Ok(State::Waiting),
        "exchanging" => {
            let [code, verifier] = secrets(vault, row, at, "exchange_sealed", row.exchange_sealed.as_ref())?;
            let since = at.present("exchanging_since", timestamp(row.exchanging_since))?;
            Ok(State::Exchanging(Exchanging { code, verifier, since }))
        }
        "completed" => Ok(State::Completed(Completed {
            at: ended()?,
            grant: at.present("grant_id", at.maybe_id("grant_id", row.grant_id.as_deref(), GrantId::parse)?)?,
            missing: ScopeSet::from_list(at.present("missing", row.missing.as_deref())?),
        })),
        "rejected" => Ok(State::Rejected { at: ended()? }),
        "expired" => Ok(State::Expired { at: ended()? }),
        "mismatched" => Ok(State::Mismatched { at: ended()? }),
        "failed" => {
            let reason = row.failure.as_deref().and_then(Failure::from_word);
            Ok(State::Failed { at: ended()?, reason: at.present("failure", reason)? })
        }
        "cancelled" => Ok(State::Cancelled { at: ended()? }),
        _ => Err(at.corrupt("state")),
    }
}

fn secrets<const N: usize>(
    vault: &Vault,
    row: &Model,
    at: RowId<'_>,
    field: &'static str,
    sealed: Option<&SealedColumn>,
) -> Result<[Secret; N], StoreError> {
    let sealed = at.present(field, sealed)?;
    let opened = at.open(vault, &place(&row.id, field, row.version), sealed)?;
    unpack(&opened).ok_or_else(|| at.corrupt(field))
}
