//! A relay of TCP connections: it passes on what it is given, until it is told to hold it back, or to lead elsewhere.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// What the relay does.
#[derive(Clone)]
struct Rules {
    /// Where it leads. Connections that led elsewhere are closed.
    target: SocketAddr,
    /// Nothing passes.
    shut: bool,
    /// Nothing passes from a client once this text has.
    last_words: Option<&'static str>,
}

/// A relay that works until it is dropped.
pub(crate) struct Relay {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    rules: watch::Sender<Rules>,
    cut: watch::Receiver<bool>,
    _listening: AbortOnDropHandle<()>,
}

impl Relay {
    /// One that leads to `target`.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (rules, followed) = watch::channel(Rules { target, shut: false, last_words: None });
        let (cutting, cut) = watch::channel(false);
        let listening = listen(listener, followed, cutting);
        #[expect(clippy::disallowed_methods, reason = "it ends with the relay")]
        let listening = AbortOnDropHandle::new(tokio::spawn(listening));
        Self { address, rules, cut, _listening: listening }
    }

    /// From now on nothing passes that a client says after this text.
    pub(crate) fn cut_after(&self, text: &'static str) {
        self.rules.send_modify(|rules| rules.last_words = Some(text));
    }

    /// Waits until a client was cut short.
    pub(crate) async fn has_cut(&self) {
        let mut cut = self.cut.clone();
        let waited = tokio::time::timeout(std::time::Duration::from_mins(2), cut.wait_for(|cut| *cut)).await;
        assert!(waited.is_ok_and(|waited| waited.is_ok()), "nobody said it");
    }

    /// From now on nothing passes, in any direction; nobody is told.
    pub(crate) fn shut(&self) {
        self.rules.send_modify(|rules| rules.shut = true);
    }

    /// Leads elsewhere.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        self.rules.send_modify(|rules| rules.target = target);
    }
}

async fn listen(listener: TcpListener, rules: watch::Receiver<Rules>, cutting: watch::Sender<bool>) {
    let mut carried = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        carried.spawn(carry(client, rules.clone(), cutting.clone()));
    }
}

async fn carry(client: TcpStream, rules: watch::Receiver<Rules>, cutting: watch::Sender<bool>) {
    let target = rules.borrow().target;
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let mut elsewhere = rules.clone();
    let there = pass(from_client, to_server, rules.clone(), Some(cutting));
    let back = pass(from_server, to_client, rules, None);
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = elsewhere.wait_for(|rules| rules.target != target) => {}
    }
}

/// One direction, until its end.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut rules: watch::Receiver<Rules>,
    cutting: Option<watch::Sender<bool>>,
) {
    let (mut said, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let open = rules.wait_for(|rules| !rules.shut).await.map(|rules| rules.last_words);
        let (Ok(last_words), passed) = (open, said.len()) else { return };
        said.extend_from_slice(&chunk[..length]);
        let cut = last_words.zip(cutting.as_ref()).and_then(|(text, cutting)| Some((end_of(&said, text)?, cutting)));
        let end = cut.map_or(said.len(), |(end, _)| end.max(passed));
        if to.write_all(&said[passed..end]).await.is_err() {
            return;
        }
        if let Some((_, cutting)) = cut {
            cutting.send_replace(true);
            // What else it says is thrown away, until it is gone.
            while let Ok(1..) = from.read(&mut chunk).await {}
            return;
        }
    }
}

/// Where this text ends.
fn end_of(said: &[u8], text: &str) -> Option<usize> {
    let begins = said.windows(text.len()).position(|window| window == text.as_bytes())?;
    Some(begins + text.len())
}
