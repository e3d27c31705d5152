//! A plain client of the long connection, and the stream that it talks to.

use std::time::Duration;

use cardkey_sandbox::feishu::stream::{Sources, Stream, StreamConfig, StreamLogEntry, StreamLogKind, frame::Frame};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message},
};

/// Long enough for any machine; reached only by a test that fails.
const FOREVER: Duration = Duration::from_mins(1);

/// The ping that every official client sends.
pub(crate) const PING: &str = "0800100018f681801020002a0c0a0474797065120470696e67";

/// Fails the test instead of hanging.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(FOREVER, what).await;
    waited.expect("nothing happened for a minute")
}

/// A stream whose choices are always the same, and which waits for acknowledgements however slow we are.
pub(crate) async fn stream_with(change: impl FnOnce(&mut StreamConfig)) -> Stream {
    let mut config = StreamConfig::local("cli_a1b2c3d4e5f60718", "736588c9260f175d");
    config.callback_timeout = FOREVER;
    change(&mut config);
    let sources = Sources { seed: 7, ..Sources::system().unwrap() };
    Stream::start_with(config, sources).await.unwrap()
}

/// A stream as configured by default.
pub(crate) async fn stream() -> Stream {
    stream_with(|_| {}).await
}

/// An event with nothing in it but its names.
pub(crate) fn event(event_id: &str) -> Value {
    envelope(event_id, "im.message.receive_v1")
}

/// A card action with nothing in it but its names.
pub(crate) fn card(event_id: &str) -> Value {
    envelope(event_id, "card.action.trigger")
}

fn envelope(event_id: &str, kind: &str) -> Value {
    json!({
        "schema": "2.0",
        "header": {"event_id": event_id, "event_type": kind},
        "event": {"text": "你好"},
    })
}

/// The event id inside a whole data frame.
pub(crate) fn event_id(frame: &Frame) -> String {
    let envelope: Value = serde_json::from_slice(frame.payload.as_ref().unwrap()).unwrap();
    envelope["header"]["event_id"].as_str().unwrap().to_owned()
}

/// Waits until the log has as many entries that fit.
pub(crate) async fn wait_for_count(
    stream: &Stream,
    count: usize,
    fits: impl Fn(&StreamLogKind) -> bool,
) -> Vec<StreamLogEntry> {
    let found = stream.wait_for(|log| {
        let found: Vec<_> = log.iter().filter(|e| fits(&e.what)).cloned().collect();
        (found.len() >= count).then_some(found)
    });
    soon(found).await
}

/// One connected client.
pub(crate) struct Client {
    pub(crate) ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    /// Connects with a fresh ticket, and waits until the stream knows.
    pub(crate) async fn connect(stream: &Stream) -> Self {
        let connected = |k: &_| matches!(k, StreamLogKind::Connected { .. });
        let before = stream.log().iter().filter(|e| connected(&e.what)).count();
        let client = Self::dial(&stream.new_ticket().unwrap()).await.unwrap();
        wait_for_count(stream, before + 1, connected).await;
        client
    }

    /// Connects with that URL.
    pub(crate) async fn dial(url: &str) -> Result<Self, Error> {
        let (ws, _) = soon(Box::pin(connect_async(url))).await?;
        Ok(Self { ws })
    }

    /// The next message, or how the connection ended.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, Error>> {
        soon(self.ws.next()).await
    }

    /// The next frame; anything else fails the test.
    pub(crate) async fn frame(&mut self) -> Frame {
        match self.next().await {
            Some(Ok(Message::Binary(bytes))) => Frame::parse(&bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Sends a binary message.
    pub(crate) async fn send(&mut self, bytes: impl Into<bytes::Bytes>) {
        let message = Message::Binary(bytes.into());
        soon(self.ws.send(message)).await.unwrap();
    }

    /// Acknowledges a frame as correct clients do: the frame again, `biz_rt`, and this payload.
    pub(crate) async fn ack_with(&mut self, frame: &Frame, payload: &str) {
        let mut ack = frame.clone();
        ack.push_header("biz_rt", "1");
        ack.payload = Some(payload.to_owned().into());
        self.send(ack.to_bytes()).await;
    }

    /// Accepts a frame.
    pub(crate) async fn accept(&mut self, frame: &Frame) {
        self.ack_with(frame, r#"{"code": 200}"#).await;
    }

    /// Sends the ping, with a service number of its own to tell pongs apart.
    pub(crate) async fn ping(&mut self, service: i32) {
        let mut ping = Frame { service, ..Frame::default() };
        ping.push_header("type", "ping");
        self.send(ping.to_bytes()).await;
    }
}
