//! A relay of TCP connections: it passes on what it is given, until it is told to hold it back.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// A relay that works until it is dropped.
pub(crate) struct Relay {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    last_words: watch::Sender<Option<&'static str>>,
    cut: watch::Receiver<bool>,
    _listening: AbortOnDropHandle<()>,
}

impl Relay {
    /// One that leads to `target`.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (last_words, heeded) = watch::channel(None);
        let (cutting, cut) = watch::channel(false);
        let listening = listen(listener, target, heeded, cutting);
        #[expect(clippy::disallowed_methods, reason = "it ends with the relay")]
        let listening = AbortOnDropHandle::new(tokio::spawn(listening));
        Self { address, last_words, cut, _listening: listening }
    }

    /// From now on nothing passes that a client says after this text.
    pub(crate) fn cut_after(&self, text: &'static str) {
        self.last_words.send_replace(Some(text));
    }

    /// Waits until a client was cut short.
    pub(crate) async fn has_cut(&self) {
        let mut cut = self.cut.clone();
        let waited = tokio::time::timeout(std::time::Duration::from_mins(2), cut.wait_for(|cut| *cut)).await;
        assert!(waited.is_ok_and(|waited| waited.is_ok()), "nobody said it");
    }
}

async fn listen(
    listener: TcpListener,
    target: SocketAddr,
    last_words: watch::Receiver<Option<&'static str>>,
    cutting: watch::Sender<bool>,
) {
    let mut carried = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        carried.spawn(carry(client, target, last_words.clone(), cutting.clone()));
    }
}

async fn carry(
    client: TcpStream,
    target: SocketAddr,
    last_words: watch::Receiver<Option<&'static str>>,
    cutting: watch::Sender<bool>,
) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((from_client, to_client), (mut from_server, to_server)) = (client.into_split(), server.into_split());
    let back = async {
        let mut to_client = to_client;
        drop(tokio::io::copy(&mut from_server, &mut to_client).await);
    };
    tokio::select! {
        () = pass(from_client, to_server, last_words, cutting) => {}
        () = back => {}
    }
}

/// What a client says, until its end.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    last_words: watch::Receiver<Option<&'static str>>,
    cutting: watch::Sender<bool>,
) {
    let (mut said, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let (passed, last_words) = (said.len(), *last_words.borrow());
        said.extend_from_slice(&chunk[..length]);
        let cut = last_words.and_then(|text| end_of(&said, text));
        let end = cut.map_or(said.len(), |end| end.max(passed));
        if to.write_all(&said[passed..end]).await.is_err() {
            return;
        }
        if cut.is_some() {
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
