//! The last resort for a pair of tokens when the database is away: a file of its own in a folder, sealed, written under
//! another name, synced and renamed, so that it is there whole or not at all. Replaying goes through the same compare-and-set
//! as any save, in any order, as often as it takes.
//!
//! A file holds one sealed line of JSON; its name is the attempt's id.

use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::domain::clock::Timestamp;
use crate::domain::grant::GrantVersion;
use crate::domain::ids::{AppId, AttemptId, GrantId};
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::token::{RefreshToken, TokenAnswer};
use crate::store::{Store, StoreError};
use crate::vault::{Place, Sealed, Vault};

const SUFFIX: &str = "pair";

/// A pair on its way into the database.
#[derive(Debug, Clone)]
pub struct Spooled {
    /// The attempt that brought it.
    pub attempt: AttemptId,
    /// Whose it is.
    pub grant: GrantId,
    /// The app that it is under. A file that does not say so may be read all the same.
    pub app: Option<AppId>,
    /// The generation that was spent for it.
    pub version: GrantVersion,
    /// The pair; lives are counted from `obtained_at`.
    pub answer: TokenAnswer,
    /// When it came.
    pub obtained_at: Timestamp,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Line {
    grant: String,
    app: Option<String>,
    consent_no: i64,
    generation: i64,
    access: String,
    access_ttl_s: u64,
    refresh: Option<String>,
    refresh_ttl_s: Option<u64>,
    scopes: String,
    obtained_at: i64,
}

impl Store {
    /// Writes a pair into the folder, durably. Blocks for the disk.
    pub fn spool(&self, folder: &Path, pair: &Spooled) -> Result<(), StoreError> {
        let line =
            Zeroizing::new(serde_json::to_vec(&line(pair)).map_err(|_| unusable(folder, "it cannot be written"))?);
        let sealed = self.vault.seal(&place(pair.attempt.as_str()), &line)?;
        write_whole(folder, pair.attempt.as_str(), &sealed.into_bytes())
            .map_err(|error| unusable(folder, &error.to_string()))
    }

    /// Reads what lies in the folder; how many files do not open, which are left there. Blocks for the disk.
    pub fn spooled(&self, folder: &Path) -> Result<(Vec<Spooled>, usize), StoreError> {
        let files = match std::fs::read_dir(folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
            Err(error) => return Err(unusable(folder, &error.to_string())),
        };
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let files = paths.filter(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX));
        let read: Vec<Option<Spooled>> = files.map(|path| decode(&self.vault, &path)).collect();
        let unreadable = read.iter().filter(|pair| pair.is_none()).count();
        Ok((read.into_iter().flatten().collect(), unreadable))
    }

    /// Takes a pair out of the folder once it is stored. Blocks for the disk.
    pub fn unspool(&self, folder: &Path, attempt: &AttemptId) -> Result<(), StoreError> {
        match std::fs::remove_file(file(folder, attempt.as_str())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(folder, &error.to_string())),
            _ => Ok(()),
        }
    }
}

const fn place(attempt: &str) -> Place<'_> {
    Place { table: "spool", row: attempt, field: "pair", consent_no: 0, generation: 0 }
}

fn file(folder: &Path, attempt: &str) -> PathBuf {
    folder.join(attempt).with_extension(SUFFIX)
}

fn unusable(folder: &Path, reason: &str) -> StoreError {
    StoreError::File { path: folder.display().to_string(), reason: reason.to_owned() }
}

fn line(pair: &Spooled) -> Line {
    let refresh = pair.answer.refresh.as_ref();
    Line {
        grant: pair.grant.as_str().to_owned(),
        app: pair.app.as_ref().map(|app| app.as_str().to_owned()),
        consent_no: pair.version.consent_no,
        generation: pair.version.generation,
        access: pair.answer.access.expose().to_owned(),
        access_ttl_s: pair.answer.access_ttl.as_secs(),
        refresh: refresh.map(|refresh| refresh.token.expose().to_owned()),
        refresh_ttl_s: refresh.and_then(|refresh| refresh.ttl).map(|ttl| ttl.as_secs()),
        scopes: pair.answer.scopes.to_string(),
        obtained_at: pair.obtained_at.as_micros(),
    }
}

fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let (whole, partial) = (file(folder, name), folder.join(name).with_extension("part"));
    let mut out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    std::fs::rename(&partial, &whole)?;
    std::fs::File::open(folder)?.sync_all()
}

fn decode(vault: &Vault, path: &Path) -> Option<Spooled> {
    let attempt = path.file_stem()?.to_str()?;
    let sealed = Sealed::from_bytes(std::fs::read(path).ok()?);
    let opened = vault.open(&place(attempt), &sealed).ok()?;
    let line: Line = serde_json::from_slice(&opened).ok()?;
    let refresh = line.refresh.as_ref().map(|token| RefreshToken {
        token: Secret::new(token.clone()),
        ttl: line.refresh_ttl_s.map(Duration::from_secs),
    });
    Some(Spooled {
        attempt: AttemptId::parse(attempt).ok()?,
        grant: GrantId::parse(&line.grant).ok()?,
        app: line.app.as_deref().and_then(|app| AppId::parse(app).ok()),
        version: GrantVersion { consent_no: line.consent_no, generation: line.generation },
        answer: TokenAnswer {
            access: Secret::new(line.access.clone()),
            access_ttl: Duration::from_secs(line.access_ttl_s),
            refresh,
            scopes: ScopeSet::from_list(&line.scopes),
            subject: None,
            tenant: None,
        },
        obtained_at: Timestamp::from_micros(line.obtained_at),
    })
}
