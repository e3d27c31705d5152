//! The writing side of a connection. Every write is bounded in time: a peer that takes nothing is as good as dead.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::end::{End, fault};
use crate::stream::contract::Socket;

/// The longest wait for the peer to take what we write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The time for the close frames of both sides.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What is to be written.
#[derive(Default)]
pub(super) struct Outbox(VecDeque<Message>);

impl Outbox {
    pub(super) fn push(&mut self, message: Message) {
        self.0.push_back(message);
    }

    /// Writes everything and flushes once.
    pub(super) async fn write(&mut self, socket: &mut Socket) -> Result<(), End> {
        if self.0.is_empty() {
            return Ok(());
        }
        match timeout(WRITE_TIMEOUT, write_all(socket, &mut self.0)).await {
            Ok(written) => written.map_err(|error| End::Lost(fault(&error))),
            Err(_) => Err(End::Lost("write_stall")),
        }
    }
}

async fn write_all(socket: &mut Socket, outbox: &mut VecDeque<Message>) -> Result<(), WsError> {
    while let Some(message) = outbox.pop_front() {
        socket.feed(message).await?;
    }
    socket.flush().await
}

/// Says good-bye and drains what still comes. Whether the peer answers does not matter any more.
pub(super) async fn close(socket: &mut Socket) {
    let farewell = async {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        if socket.close(Some(frame)).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(CLOSE_TIMEOUT, farewell).await.is_ok();
}
