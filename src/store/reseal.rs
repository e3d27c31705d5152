//! Sealing everything anew with the first key of the ring, beside a gateway that runs.
//!
//! A row that needs it is found by walking along the table's key, sealed here, and replaced in the writer by a
//! compare-and-set on the old values and on what they are bound to: whoever changed the row meanwhile has sealed it with
//! the first key anyway, and wins. How far the work has come stands in the rows themselves, since each value names its
//! key: a walk that was broken off, however hard, is simply begun again.
//!
//! No version, generation or other column is touched, so that no compare-and-set of anybody else is lost to this.

use std::collections::BTreeMap;

use crate::store::error::StoreError;
use crate::store::key_use::KeyUse;
use crate::store::row::RowId;
use crate::store::sealed_columns::{RowVersion, SEALED, SealedTable};
use crate::store::sealed_rows::{self, Replacement, SealedRow};
use crate::store::{Store, vault_keys};
use crate::vault::Vault;

/// How often rows that others changed meanwhile are looked for again. Each walk meets only what was changed during the
/// one before it.
const WALKS: usize = 5;

/// What was done in one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableResealed {
    /// Rows that were looked at.
    pub rows: u64,
    /// Values that were sealed anew.
    pub resealed: u64,
    /// Values that had the right key already.
    pub right: u64,
    /// Rows that others changed meanwhile.
    pub lost: u64,
    /// Values that do not open; the log names them.
    pub broken: u64,
}

/// What was done, by table.
pub type Resealed = BTreeMap<&'static str, TableResealed>;

#[derive(Clone)]
struct Change {
    row: RowVersion,
    values: Vec<Replacement>,
}

impl Store {
    /// Seals every value that an older key sealed with the first key. `progress` is told after every page how far a
    /// table has come: what it is told is on the disk.
    pub async fn reseal(&self, mut progress: impl FnMut(&'static str, TableResealed)) -> Result<Resealed, StoreError> {
        let mut all = Resealed::new();
        for table in SEALED {
            let mut done = TableResealed::default();
            for walk in 0..WALKS {
                let again = self.walk(table, |so_far| progress(table.name, so_far)).await?;
                // Later walks meet again what the first one has counted.
                done = if walk == 0 {
                    again
                } else {
                    TableResealed { resealed: done.resealed + again.resealed, lost: again.lost, ..done }
                };
                if again.lost == 0 {
                    break;
                }
            }
            all.insert(table.name, done);
        }
        Ok(all)
    }

    async fn walk(
        &self,
        table: &'static SealedTable,
        mut progress: impl FnMut(TableResealed),
    ) -> Result<TableResealed, StoreError> {
        let mut done = TableResealed::default();
        let mut after = String::new();
        loop {
            let page = sealed_rows::page(&self.reads, table, &after).await?;
            let Some(last) = page.last() else { return Ok(done) };
            after.clone_from(&last.version.key);
            self.reseal_page(table, page, &mut done).await?;
            progress(done);
        }
    }

    pub(super) async fn reseal_page(
        &self,
        table: &'static SealedTable,
        page: Vec<SealedRow>,
        done: &mut TableResealed,
    ) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        for row in page {
            done.rows += 1;
            let values = seal_anew(&self.vault, table, &row, done)?;
            if !values.is_empty() {
                changes.push(Change { row: row.version, values });
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        let (resealed, lost) = self.replace(table, changes).await?;
        done.resealed += resealed;
        done.lost += lost;
        Ok(())
    }

    /// How many values were replaced, and how many rows had changed.
    async fn replace(&self, table: &'static SealedTable, changes: Vec<Change>) -> Result<(u64, u64), StoreError> {
        self.write(move |scope| {
            Box::pin(async move {
                let (mut resealed, mut lost) = (0, 0);
                for Change { row, values } in changes {
                    let count = values.len() as u64;
                    if sealed_rows::replace(&scope.tx, table, &row, values).await? {
                        resealed += count;
                    } else {
                        lost += 1;
                    }
                }
                Ok((resealed, lost))
            })
        })
        .await
    }

    /// Which keys are in use for what.
    pub async fn key_use(&self) -> Result<KeyUse, StoreError> {
        let mut used = KeyUse::new(&self.vault);
        for table in SEALED {
            let mut after = String::new();
            loop {
                let page = sealed_rows::page(&self.reads, table, &after).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.version.key);
                page.iter().flat_map(|row| &row.values).flatten().for_each(|sealed| used.note(table.name, sealed));
            }
        }
        for (key_id, api_key) in self.api_key_bindings().await? {
            used.note_api_key(key_id, api_key);
        }
        Ok(used)
    }

    /// Forgets the proofs of keys that nothing needs any more, so that the gateway starts without them.
    pub async fn forget_unused_keys(&self, used: &KeyUse) -> Result<(), StoreError> {
        let unused: Vec<String> = used.removable().map(ToString::to_string).collect();
        self.write(move |scope| Box::pin(async move { vault_keys::forget(&scope.tx, unused).await })).await
    }

    /// Whether a gateway has been started with the ring's first key in front: one that has not cannot open what that
    /// key seals.
    pub async fn sealing_key_is_taken_up(&self) -> Result<bool, StoreError> {
        vault_keys::is_known(&self.reads, self.vault.sealing_id()).await
    }

    /// Takes the ring's first key up: from now on this database cannot be opened without it.
    pub async fn take_up_sealing_key(&self) -> Result<(), StoreError> {
        let vault = self.vault.clone();
        self.write(move |scope| Box::pin(async move { vault_keys::take_up(&scope.tx, &vault).await })).await
    }
}

/// The row's values that an older key sealed, with their successors.
fn seal_anew(
    vault: &Vault,
    table: &'static SealedTable,
    row: &SealedRow,
    done: &mut TableResealed,
) -> Result<Vec<Replacement>, StoreError> {
    let mut values = Vec::new();
    for (column, sealed) in table.columns.iter().zip(&row.values) {
        let Some(old) = sealed else { continue };
        if old.key_id().as_ref() == Some(vault.sealing_id()) {
            done.right += 1;
            continue;
        }
        let place = table.place(&row.version, *column);
        let at = RowId { table: table.name, id: &row.version.key };
        // What does not open is named in the log.
        match at.open(vault, &place, &old.clone().into()) {
            Ok(plain) => {
                values.push(Replacement { column: column.0, old: old.clone(), new: vault.seal(&place, &plain)? });
            }
            Err(_) => done.broken += 1,
        }
    }
    Ok(values)
}
