//! Hints between the processes on one database, by the publish and subscribe of a Redis or Valkey server: who waits here for
//! what another process does looks at once, and not at the next of its regular looks.
//!
//! It knows no use case and no store, and nothing may depend on it: without a server, with one that is slow, dead, flushed or
//! cut off, everything goes on by itself with the waits that it has anyway (`auth_session::elsewhere`, `domain::refresh`). So
//! there is no lock, no limit, no token and no person in the server, only ids on a channel ([`wire`]). Telling never waits: the
//! queue is bounded, what does not fit is counted and dropped. No hint says that work is due: who makes work starts it itself,
//! and what a death leaves is found by the jobs within a second.
//!
//! One task owns the connection ([`link`]); it comes back with exponential backoff, and a loss is logged once.

mod link;
mod wire;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::domain::hint::{Hint, Tell};
use crate::domain::random::{self, Random};
use crate::domain::secret::Secret;
use crate::metrics::Metrics;
use crate::retry::{Backoff, Pace};

use link::Link;

/// Hints that wait to be sent.
const QUEUE: usize = 256;

/// Why a server cannot be used. The URL is not shown: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum HintsError {
    /// The URL is none.
    #[error("redis.url cannot be used: it must be redis://[USER:PASSWORD@]HOST[:PORT], or rediss:// for TLS")]
    Url,
    /// The file with the certificates of the trusted authorities cannot be used.
    #[error("redis.ca_file: {path} cannot be read, or holds no certificate, or redis.url is not rediss://")]
    CaFile {
        /// The file.
        path: String,
    },
}

/// A server that hints go through.
#[derive(Clone)]
pub struct Server(redis::Client);

impl Server {
    /// The server at this URL. With a CA file only the authorities in it are trusted, otherwise those of the Web PKI.
    pub fn new(url: &Secret, ca_file: Option<&Path>) -> Result<Self, HintsError> {
        let url = url.expose();
        let known = url.starts_with("redis://") || url.starts_with("rediss://");
        // What follows `#` would switch the check of the certificate off.
        if !known || url.contains('#') {
            return Err(HintsError::Url);
        }
        let client = match ca_file {
            None => redis::Client::open(url).map_err(|_| HintsError::Url)?,
            Some(path) => trusting(url, path)?,
        };
        Ok(Self(client))
    }
}

fn trusting(url: &str, path: &Path) -> Result<redis::Client, HintsError> {
    let unusable = || HintsError::CaFile { path: path.display().to_string() };
    let pem = std::fs::read(path).map_err(|_| unusable())?;
    if !pem.windows(10).any(|window| window == b"-----BEGIN") {
        return Err(unusable());
    }
    let certificates = redis::TlsCertificates { client_tls: None, root_cert: Some(pem) };
    redis::Client::build_with_tls(url, certificates).map_err(|_| unusable())
}

/// What is told here goes to the other processes, once [`Outlet::run`] runs.
pub struct Outlet {
    server: Server,
    /// This process, as its own hints name it: it does not hear them.
    origin: String,
    queue: mpsc::Receiver<Hint>,
    random: Arc<dyn Random>,
    metrics: Metrics,
}

/// A place to tell hints, and what carries them to the others.
#[must_use]
pub fn outlet(server: Server, random: &Arc<dyn Random>, metrics: &Metrics) -> (Tell, Outlet) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let counted = metrics.clone();
    let tell = move |hint| {
        if sender.try_send(hint).is_err() {
            counted.hints_dropped(1);
        }
    };
    let origin = random::token_256(&**random).expose().chars().take(wire::ORIGIN).collect();
    let outlet = Outlet { server, origin, queue, random: Arc::clone(random), metrics: metrics.clone() };
    (Arc::new(tell), outlet)
}

impl Outlet {
    /// Carries hints, what is told here to the others and what they tell to `hear`, until `stop`.
    pub async fn run(mut self, stop: CancellationToken, hear: impl Fn(Hint) + Send + Sync) {
        let mut backoff = Backoff::new(Pace::QUICK, Arc::clone(&self.random));
        let mut told_of_loss = false;
        // Host and port, without the password.
        let server = self.server.0.get_connection_info().addr().to_string();
        loop {
            let over = tokio::select! {
                () = stop.cancelled() => return,
                over = self.carry(&mut backoff, &mut told_of_loss, &hear) => over,
            };
            self.metrics.hints_connected(false);
            if !std::mem::replace(&mut told_of_loss, true) {
                tracing::warn!(%server, reason = over, "no hints from the other replicas: what they do is seen a little later");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.drop_for(backoff.next_wait()) => {}
            }
        }
    }

    /// Connects and carries until the connection is lost; what was wrong with it.
    async fn carry(
        &mut self,
        backoff: &mut Backoff,
        told_of_loss: &mut bool,
        hear: &(impl Fn(Hint) + Send + Sync),
    ) -> &'static str {
        let Some(mut link) = Link::open(&self.server.0).await else { return "the server cannot be reached" };
        self.metrics.hints_connected(true);
        backoff.reset();
        if std::mem::take(told_of_loss) {
            tracing::info!("hints come from the other replicas again");
        }
        let metrics = &self.metrics;
        let hear = |payload: &[u8]| {
            if let Some(hint) = wire::read(payload, &self.origin) {
                metrics.hint_received();
                hear(hint);
            }
        };
        link.carry(&mut self.queue, &self.origin, metrics, hear).await
    }

    /// Nobody is there to be told: what is told meanwhile is dropped, not kept until it is old.
    async fn drop_for(&mut self, pause: std::time::Duration) {
        let end = tokio::time::Instant::now() + pause;
        while let Ok(Some(_)) = tokio::time::timeout_at(end, self.queue.recv()).await {
            self.metrics.hints_dropped(1);
        }
        tokio::time::sleep_until(end).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str, ca_file: Option<&str>) -> Result<Server, HintsError> {
        Server::new(&Secret::new(url.to_owned()), ca_file.map(Path::new))
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_being_shown() {
        for url in ["redis://user:CANARY@host:6379", "rediss://:CANARY@[::1]:6380/0", "redis://localhost"] {
            assert!(server(url, None).is_ok(), "{url}");
        }
        for url in ["", "CANARY", "http://CANARY", "redis://host:CANARY", "rediss://CANARY/#insecure", "unix:///CANARY"]
        {
            let refused = server(url, None).err().expect(url).to_string();
            assert!(refused.contains("redis.url") && !refused.contains("CANARY"), "{url}: {refused}");
        }
    }

    #[test]
    fn a_file_of_authorities_must_hold_one_and_needs_tls() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        for url in ["rediss://host", "redis://host"] {
            assert!(matches!(server(url, Some(path)), Err(HintsError::CaFile { .. })), "{url}: it is empty");
            assert!(matches!(server(url, Some("no/such.pem")), Err(HintsError::CaFile { .. })), "{url}");
        }
    }
}
