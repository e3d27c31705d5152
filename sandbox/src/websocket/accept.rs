//! From a listener to a running connection: accepts sockets, upgrades them, and hands them to their [`Host`].

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::server::Hub;
use super::socket::{Socket, swallow};
use super::trouble::RefuseHandshake;

/// How long TLS and the upgrade may take together.
const UPGRADE_PATIENCE: Duration = Duration::from_secs(10);

/// Pause after the system refused to accept, for example for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Whose connections they are.
pub(crate) trait Host: Hub {
    /// What a ticket says of the connection that it opens.
    type Pass: Send + 'static;

    /// Serve `wss` with this.
    fn tls(&self) -> Option<&Arc<rustls::ServerConfig>>;
    /// A number for a connection that was just accepted.
    fn dialled(&self) -> u64;
    /// Whether connections dialled now fall into a black hole.
    fn swallows_new(&self) -> bool;
    /// Decides on an upgrade.
    fn admit(&self, connection: u64, request: &Request) -> Result<Self::Pass, RefuseHandshake>;
    /// The connection never came to be.
    fn failed(&self, connection: u64, reason: String);
    /// Lives until the connection is over.
    fn run(
        self: Arc<Self>,
        connection: u64,
        pass: Self::Pass,
        ws: WebSocketStream<Socket>,
    ) -> impl Future<Output = ()> + Send;
}

/// Runs a task until the host stops.
pub(crate) fn spawn<H: Hub, F: Future<Output = ()> + Send + 'static>(host: &Arc<H>, task: impl FnOnce(Arc<H>) -> F) {
    let base = host.base();
    base.tracker.spawn(base.stop.clone().run_until_cancelled_owned(task(Arc::clone(host))));
}

/// Accepts sockets, for ever.
pub(crate) async fn accept<H: Host>(host: Arc<H>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => {
                let id = host.dialled();
                spawn(&host, |host| serve(host, id, tcp));
            }
            Err(error) => {
                tracing::warn!(%error, "stream cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// From the TCP connection to its end.
async fn serve<H: Host>(host: Arc<H>, id: u64, tcp: TcpStream) {
    if host.swallows_new() {
        swallow(tcp, host.base().faults_set.subscribe(), || host.swallows_new()).await;
        return host.failed(id, "swallowed".to_owned());
    }
    match tokio::time::timeout(UPGRADE_PATIENCE, upgrade(&*host, id, tcp)).await {
        Ok(Ok((ws, pass))) => host.run(id, pass, ws).await,
        Ok(Err(reason)) => host.failed(id, reason),
        Err(_) => host.failed(id, "the client took too long".to_owned()),
    }
}

/// Upgrades a socket; the error says why that failed, the client having been told.
async fn upgrade<H: Host>(host: &H, id: u64, tcp: TcpStream) -> Result<(WebSocketStream<Socket>, H::Pass), String> {
    let socket = Socket::accept(tcp, host.tls()).await.map_err(|error| error.to_string())?;
    let mut pass = None;
    #[expect(clippy::result_large_err, reason = "the error type is the WebSocket library's")]
    let check = |request: &Request, response: Response| {
        pass = Some(host.admit(id, request).map_err(|refusal| refusal.response())?);
        Ok(response)
    };
    let ws = accept_hdr_async(socket, check).await.map_err(|error| error.to_string())?;
    pass.map(|pass| (ws, pass)).ok_or_else(|| "the upgrade was not asked for".to_owned())
}
