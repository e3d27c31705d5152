//! The rows as the database has them. Private to the store: nothing out of here leaves it.

#![expect(unreachable_pub, reason = "sea-orm's derive makes public items and wants public fields")]

pub(super) mod api_key;
pub(super) mod app_token;
pub(super) mod auth_flow;
pub(super) mod auth_session;
pub(super) mod grant;
pub(super) mod job;
pub(super) mod pinned_tenant;
pub(super) mod quarantined_pair;
pub(super) mod rate_budget;
pub(super) mod refresh_journal;
pub(super) mod session_key;
pub(super) mod suspension;
pub(super) mod vault_key;

use sea_orm::DeriveValueType;

use crate::vault::Sealed;

/// A sealed column. It can only be made of a sealed value, so that no plain text is ever assigned to one.
#[derive(Debug, Clone, PartialEq, Eq, DeriveValueType)]
pub(super) struct SealedColumn(Vec<u8>);

impl From<Sealed> for SealedColumn {
    fn from(sealed: Sealed) -> Self {
        Self(sealed.into_bytes())
    }
}

impl SealedColumn {
    pub(super) fn into_sealed(self) -> Sealed {
        Sealed::from_bytes(self.0)
    }
}
