//! The opened links of the redirect way. Neither `state` nor the browser's cookie is kept, only their hashes.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::auth_session::{AuthSession, AuthSessionId};
use crate::domain::clock::Timestamp;
use crate::domain::secret::Secret;
use crate::store::entity::auth_flow::{ActiveModel, Column, Entity, Model};
use crate::store::row::RowId;
use crate::store::session_row::Transition;
use crate::store::sessions::Save;
use crate::store::{Store, StoreError};
use crate::vault::{Place, Vault};

const TABLE: &str = "auth_flows";

/// How many opened links of one session are kept.
const PER_SESSION: u64 = 10;

/// For so long a person may be on the platform's page: a link younger than this is never dropped for another.
const IN_USE: Duration = Duration::from_mins(5);

/// One opened link.
#[derive(Debug, Clone)]
pub struct Flow {
    /// SHA-256 of the `state`.
    pub state_hash: [u8; 32],
    /// The session that it belongs to.
    pub auth_session: AuthSessionId,
    /// The PKCE verifier.
    pub verifier: Secret,
    /// SHA-256 of the cookie that binds it to one browser.
    pub cookie_hash: [u8; 32],
    /// When the link was opened.
    pub created_at: Timestamp,
    /// Whether its code was taken, or that of another flow of the session: it leads to the end of the story only.
    pub burnt: bool,
}

impl Store {
    /// Keeps a flow. Of more than ten of one session the oldest are dropped, unless they may be in use still: then
    /// this one is refused, so that whoever knows the link cannot end what the person is at by opening it again.
    pub async fn add_flow(&self, flow: &Flow) -> Result<(), StoreError> {
        let row = encode(&self.vault, flow)?;
        let (session, created_at) = (flow.auth_session.clone(), flow.created_at);
        self.write(move |scope| {
            Box::pin(async move {
                make_room(&scope.tx, &session, created_at).await?;
                Entity::insert(row).exec_without_returning(&scope.tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// The flow of this `state`.
    pub async fn flow(&self, state_hash: &[u8; 32]) -> Result<Option<Flow>, StoreError> {
        let row = Entity::find_by_id(hex::encode(state_hash)).one(&self.reads).await?;
        row.map(|row| decode(&self.vault, &row)).transpose()
    }

    /// Burns the flow, with all other flows of its session, and stores the session's transition; both or neither. Lost
    /// if the flow is burnt already, or belongs to another session.
    pub async fn take_flow(
        &self,
        state_hash: &[u8; 32],
        session: AuthSession,
    ) -> Result<Save<AuthSession>, StoreError> {
        let hash = hex::encode(state_hash);
        let id = session.id.as_str().to_owned();
        let transition = Transition::seal(&self.vault, session)?;
        self.write(move |scope| {
            Box::pin(async move {
                let flow = Entity::find_by_id(hash)
                    .filter(Column::AuthSessionId.eq(&id))
                    .filter(Column::Burnt.eq(false))
                    .one(&scope.tx)
                    .await?;
                if flow.is_none() {
                    return Ok(Save::Lost);
                }
                let Some(session) = transition.store(&scope.tx).await? else { return Ok(Save::Lost) };
                let of_session = Entity::update_many().col_expr(Column::Burnt, Expr::value(true));
                of_session.filter(Column::AuthSessionId.eq(&id)).exec(&scope.tx).await?;
                Ok(Save::Stored(session))
            })
        })
        .await
    }
}

async fn make_room(tx: &DatabaseTransaction, session: &AuthSessionId, now: Timestamp) -> Result<(), StoreError> {
    let in_the_way: Vec<(String, i64)> = Entity::find()
        .select_only()
        .columns([Column::StateHash, Column::CreatedAt])
        .filter(Column::AuthSessionId.eq(session.as_str()))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::StateHash)
        .offset(PER_SESSION - 1)
        .limit(PER_SESSION)
        .into_tuple()
        .all(tx)
        .await?;
    let since = now.minus(IN_USE).as_micros();
    if in_the_way.iter().any(|(_, created_at)| *created_at > since) {
        return Err(StoreError::Unavailable("too many links of one auth session are open"));
    }
    if !in_the_way.is_empty() {
        let hashes = in_the_way.into_iter().map(|(state_hash, _)| state_hash);
        Entity::delete_many().filter(Column::StateHash.is_in(hashes)).exec(tx).await?;
    }
    Ok(())
}

fn encode(vault: &Vault, flow: &Flow) -> Result<ActiveModel, StoreError> {
    let state_hash = hex::encode(flow.state_hash);
    let verifier = vault.seal(&place(&state_hash), flow.verifier.expose().as_bytes())?;
    Ok(ActiveModel {
        verifier_sealed: Set(verifier.into()),
        state_hash: Set(state_hash),
        auth_session_id: Set(flow.auth_session.as_str().to_owned()),
        cookie_hash: Set(hex::encode(flow.cookie_hash)),
        created_at: Set(flow.created_at.as_micros()),
        burnt: Set(flow.burnt),
    })
}

fn decode(vault: &Vault, row: &Model) -> Result<Flow, StoreError> {
    let at = RowId { table: TABLE, id: &row.state_hash };
    Ok(Flow {
        state_hash: hash(at, "state_hash", &row.state_hash)?,
        auth_session: at.id("auth_session_id", &row.auth_session_id, AuthSessionId::parse)?,
        verifier: at.secret(vault, &place(&row.state_hash), &row.verifier_sealed)?,
        cookie_hash: hash(at, "cookie_hash", &row.cookie_hash)?,
        created_at: Timestamp::from_micros(row.created_at),
        burnt: row.burnt,
    })
}

const fn place(state_hash: &str) -> Place<'_> {
    Place { table: TABLE, row: state_hash, field: "verifier_sealed", consent_no: 0, generation: 0 }
}

fn hash(at: RowId<'_>, column: &'static str, text: &str) -> Result<[u8; 32], StoreError> {
    let mut bytes = [0_u8; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| at.corrupt(column))?;
    Ok(bytes)
}
