//! Looks for every secret of a world in everything that left it: logs, metrics, answers, pages, the database's files or, of
//! one on a server, a dump.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::captured::logs;
use super::setup::{self, MASTER_KEY};
use super::world::World;

/// What every token has in it that a test scripts into an answer of the platform.
const SCRIPTED: &str = "-CANARY-";

/// The name of what a server holds.
pub(crate) const DUMP: &str = "a dump of the server's database";

/// A secret that was found where it must not be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Leak {
    /// Where.
    pub(crate) place: String,
    /// Its first characters.
    pub(crate) begins: String,
}

impl World {
    /// Every secret that this world knows.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut all = self.sandbox.secrets();
        all.extend([MASTER_KEY, SCRIPTED].map(str::to_owned));
        all.extend(self.key.splitn(3, '_').nth(2).map(str::to_owned));
        all.retain(|secret| secret.len() >= SCRIPTED.len());
        all
    }

    /// Everywhere that is looked.
    pub(crate) async fn places(&self) -> Vec<(String, Vec<u8>)> {
        let mut places = vec![("the log".to_owned(), logs().into_bytes())];
        if self.gateway.is_some() {
            places.push(("the metrics".to_owned(), self.metrics().await.into_bytes()));
        }
        let seen = self.seen.lock().unwrap().join("\n");
        places.push(("an answer".to_owned(), seen.into_bytes()));
        places.extend(files(self.directory.path()));
        places.extend(setup::dump(&self.database).map(|dump| (DUMP.to_owned(), dump)));
        places
    }

    /// Ends the world and fails if a secret got out.
    pub(crate) async fn end(mut self) {
        let secrets = self.secrets();
        let mut places = self.places().await;
        if let Some(gateway) = self.gateway.take() {
            gateway.stop().await;
        }
        places.extend(files(self.directory.path()));
        assert_eq!(scan(&places, &secrets), [], "a secret got out");
    }
}

#[cfg(feature = "failpoints")]
impl World {
    /// The same for one of a great many worlds whose gateways were all processes of their own: what this process has logged,
    /// and the server holds, is left out and thrown away.
    pub(crate) fn end_of_many(self) {
        let mut places = files(self.directory.path());
        places.push(("an answer".to_owned(), self.seen.lock().unwrap().join("\n").into_bytes()));
        assert_eq!(scan(&places, &self.secrets()), [], "a secret got out");
        setup::drop_database(&self.database);
    }
}

fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect()
}

/// The part of a secret that is looked up at every position; the rest is compared only where it is found.
const HEAD: usize = 8;

/// Where any of the secrets is found. One pass over each place, however many secrets there are.
pub(crate) fn scan(places: &[(String, Vec<u8>)], secrets: &[String]) -> Vec<Leak> {
    let mut heads: HashMap<&[u8], Vec<&str>> = HashMap::new();
    let mut begins = vec![false; 1 << 16];
    for secret in secrets.iter().collect::<BTreeSet<_>>() {
        let bytes = secret.as_bytes();
        heads.entry(&bytes[..HEAD]).or_default().push(secret);
        begins[pair(bytes)] = true;
    }
    let mut found = BTreeSet::new();
    for (place, bytes) in places {
        for at in 0..bytes.len().saturating_sub(HEAD - 1) {
            let here = &bytes[at..];
            if begins[pair(here)] {
                let known = heads.get(&here[..HEAD]).into_iter().flatten();
                found.extend(known.filter(|secret| here.starts_with(secret.as_bytes())).map(|secret| (place, *secret)));
            }
        }
    }
    let leak =
        |(place, secret): (&String, &str)| Leak { place: place.clone(), begins: secret.chars().take(8).collect() };
    found.into_iter().map(leak).collect()
}

/// The first two bytes as a number.
fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}
