//! Reading rows: what does not decode is named by table, column and row, never by its value.

use sea_orm::ColumnTrait;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use zeroize::Zeroizing;

use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, InvalidId};
use crate::domain::secret::Secret;
use crate::store::entity::SealedColumn;
use crate::store::error::StoreError;
use crate::vault::{Place, Vault};

/// What decodes of the rows. What does not is logged and must not stop the others.
pub(super) fn readable<'a, R: 'a, T>(
    rows: impl IntoIterator<Item = &'a R>,
    decode: impl Fn(&R) -> Result<T, StoreError>,
) -> Vec<T> {
    let decoded = rows.into_iter().map(decode);
    decoded.filter_map(|row| row.inspect_err(|error| tracing::error!(%error, "a row is skipped")).ok()).collect()
}

/// Of one of these apps. Written so that no index on the app is used: the one on what else is looked for finds little.
pub(super) fn of_apps(app: impl ColumnTrait, apps: &[AppId]) -> Expr {
    let app: Expr = Func::coalesce([Expr::col(app), Expr::value("")]).into();
    app.is_in(apps.iter().map(AppId::as_str))
}

/// A row that is being read.
#[derive(Clone, Copy)]
pub(super) struct RowId<'a> {
    pub(super) table: &'static str,
    pub(super) id: &'a str,
}

impl RowId<'_> {
    /// The column does not decode.
    pub(super) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.to_owned() }
    }

    /// A value that has to be there.
    pub(super) fn present<T>(&self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt(column))
    }

    /// An identifier.
    pub(super) fn id<T>(
        &self,
        column: &'static str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, InvalidId>,
    ) -> Result<T, StoreError> {
        parse(text).map_err(|InvalidId| self.corrupt(column))
    }

    /// An identifier that may be missing.
    pub(super) fn maybe_id<T>(
        &self,
        column: &'static str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, InvalidId>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.id(column, text, parse)).transpose()
    }

    /// A number that is smaller in the program than in the database.
    pub(super) fn number<T: TryFrom<i64>>(&self, column: &'static str, value: i64) -> Result<T, StoreError> {
        T::try_from(value).map_err(|_| self.corrupt(column))
    }

    /// A sealed value.
    pub(super) fn open(
        &self,
        vault: &Vault,
        place: &Place<'_>,
        sealed: &SealedColumn,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        vault.open(place, &sealed.clone().into_sealed()).map_err(|error| {
            tracing::error!(table = self.table, column = place.field, row = self.id, %error, "a sealed value does not open");
            self.corrupt(place.field)
        })
    }

    /// A sealed text.
    pub(super) fn secret(&self, vault: &Vault, place: &Place<'_>, sealed: &SealedColumn) -> Result<Secret, StoreError> {
        let opened = self.open(vault, place, sealed)?;
        let text = std::str::from_utf8(&opened).map_err(|_| self.corrupt(place.field))?;
        Ok(Secret::new(text.to_owned()))
    }
}

/// A point in time as a column has it.
pub(super) fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}

/// A column as a point in time.
pub(super) fn timestamp(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}
