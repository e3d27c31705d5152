//! Every sealed column there is, with the place that its values are sealed for: what [`reseal`](super::reseal) walks
//! through. A test holds that no entity has a sealed column that is missing here.
//!
//! Only the proofs in `vault_keys` are left out: each is sealed with the very key that it proves.

use crate::vault::Place;

/// A table with sealed columns. Its key is one column of text.
pub(super) struct SealedTable {
    pub(super) name: &'static str,
    pub(super) key: &'static str,
    /// The column that counts the row's consents.
    pub(super) consent_no: Option<&'static str>,
    /// The column that counts the row's generations or versions.
    pub(super) generation: Option<&'static str>,
    pub(super) columns: &'static [(&'static str, BoundTo)],
}

/// What a value is sealed for besides its table, row and column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoundTo {
    /// Nothing: it never changes.
    Row,
    /// The row's consent.
    Consent,
    /// The row's consent and generation, as far as the row counts them.
    Generation,
}

use BoundTo::{Consent, Generation, Row};

/// The registry.
pub(super) const SEALED: &[SealedTable] = &[
    SealedTable {
        name: "auth_sessions",
        key: "id",
        consent_no: None,
        generation: Some("version"),
        columns: &[("way_sealed", Generation), ("exchange_sealed", Generation)],
    },
    SealedTable {
        name: "auth_flows",
        key: "state_hash",
        consent_no: None,
        generation: None,
        columns: &[("verifier_sealed", Row)],
    },
    SealedTable {
        name: "grants",
        key: "id",
        consent_no: Some("consent_no"),
        generation: Some("generation"),
        columns: &[
            ("access_sealed", Generation),
            ("refresh_sealed", Generation),
            ("mobile_sealed", Consent),
            ("email_sealed", Consent),
        ],
    },
    SealedTable {
        name: "app_tokens",
        key: "app_id",
        consent_no: None,
        // Its end: nobody who can write to the table makes a token last.
        generation: Some("usable_until"),
        columns: &[("token_sealed", Generation)],
    },
    SealedTable {
        name: "session_keys",
        key: "id",
        consent_no: None,
        generation: Some("version"),
        columns: &[("key_sealed", Generation), ("former_sealed", Generation)],
    },
    SealedTable {
        name: "quarantined_pairs",
        key: "attempt",
        consent_no: Some("consent_no"),
        generation: Some("generation"),
        columns: &[("access_sealed", Generation), ("refresh_sealed", Generation)],
    },
];

/// A row of such a table, by what its values are bound to. What a table does not count is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowVersion {
    pub(super) key: String,
    pub(super) consent_no: i64,
    pub(super) generation: i64,
}

impl SealedTable {
    /// Where a value of this row and column stands.
    pub(super) fn place<'a>(&self, row: &'a RowVersion, (field, bound): (&'static str, BoundTo)) -> Place<'a> {
        let (consent_no, generation) = match bound {
            Row => (0, 0),
            Consent => (row.consent_no, 0),
            Generation => (row.consent_no, row.generation),
        };
        Place { table: self.name, row: &row.key, field, consent_no, generation }
    }
}
