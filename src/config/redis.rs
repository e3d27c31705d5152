//! `[redis]`: a Redis or Valkey server that hints go through between replicas, if there is one.

use std::path::PathBuf;

use super::reader::Reader;
use crate::domain::secret::Secret;

/// `[redis]`.
#[derive(Debug)]
pub struct Redis {
    /// The server: it may hold a password. Absent: no hints.
    pub url: Option<Secret>,
    /// The only authorities to trust for it, as a PEM file.
    pub ca_file: Option<PathBuf>,
}

impl Redis {
    pub(super) fn load(reader: &mut Reader<'_>) -> Self {
        let url = reader.text("url").map(Secret::new);
        let ca_file = reader.text("ca_file").map(PathBuf::from);
        if ca_file.is_some() && url.is_none() {
            reader.problem("ca_file", "has no effect without url");
        }
        Self { url, ca_file }
    }
}
