//! A plain client of the simulator, and the calls that most tests make.

use cardkey_sandbox::dingtalk::stream::{Stream, StreamLogKind};
use cardkey_sandbox::{DINGTALK_CLIENT_ID, DINGTALK_CLIENT_SECRET, Options};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::bench::{Bench, read};
use crate::client::soon;

pub(super) const OPEN: &str = "/v1.0/gateway/connections/open";

/// What most clients want to hear.
pub(super) fn subscriptions() -> Value {
    json!([{"type": "EVENT", "topic": "*"}, {"type": "CALLBACK", "topic": "/v1.0/im/bot/messages/get"},
        {"type": "CALLBACK", "topic": "/v1.0/card/instances/callback"}])
}

pub(super) fn open_body(subscriptions: &Value) -> Value {
    json!({"clientId": DINGTALK_CLIENT_ID, "clientSecret": DINGTALK_CLIENT_SECRET, "subscriptions": subscriptions,
        "ua": "", "extras": null})
}

/// A sandbox whose periods are a thousand times shorter, and whose server does not ping by itself.
pub(super) async fn hasty() -> Bench {
    let mut options = Options { time_scale: 0.001, ..Options::default() };
    options.dingtalk.ping_interval = std::time::Duration::from_hours(1);
    Bench::with(options).await
}

impl Bench {
    pub(super) fn ding(&self) -> Arc<Stream> {
        self.sandbox.dingtalk().stream(DINGTALK_CLIENT_ID).unwrap()
    }

    pub(super) async fn ding_control(&self, path: &str, body: &Value) -> Value {
        self.control(&format!("/dingtalk/control{path}"), body).await
    }

    /// A call with a token in the platform's header.
    pub(super) async fn ding_call(&self, request: RequestBuilder, token: &str) -> (u16, Value) {
        read(request.header("x-acs-dingtalk-access-token", token).send().await.unwrap()).await
    }

    pub(super) async fn ding_post(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        self.ding_call(self.http.post(self.url(path)).json(body), token).await
    }

    pub(super) async fn ding_app_token(&self) -> String {
        let body = json!({"appKey": DINGTALK_CLIENT_ID, "appSecret": DINGTALK_CLIENT_SECRET});
        let (_, answer) = self.post("/v1.0/oauth2/accessToken", "", &body).await;
        answer["accessToken"].as_str().unwrap().to_owned()
    }

    pub(super) async fn ding_token(&self, extra: &Value) -> (u16, Value) {
        let mut body = json!({"clientId": DINGTALK_CLIENT_ID, "clientSecret": DINGTALK_CLIENT_SECRET});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        self.post("/v1.0/oauth2/userAccessToken", "", &body).await
    }

    /// The platform's id of a person inside the company.
    pub(super) fn user_id(&self, open_id: &str) -> String {
        let state = self.sandbox.dingtalk().world.lock();
        state.people.get(state.people.find(open_id).unwrap()).user_id.clone()
    }
}

/// One connected client.
pub(super) struct Client {
    pub(super) ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub(super) async fn address(bench: &Bench, subscriptions: &Value) -> String {
        let (status, answer) = bench.post(OPEN, "", &open_body(subscriptions)).await;
        assert_eq!(status, 200, "{answer}");
        format!("{}?ticket={}", answer["endpoint"].as_str().unwrap(), answer["ticket"].as_str().unwrap())
    }

    /// Connects, and waits until the sandbox knows.
    pub(super) async fn connect(bench: &Bench) -> Self {
        Self::subscribed(bench, &subscriptions()).await
    }

    pub(super) async fn subscribed(bench: &Bench, subscriptions: &Value) -> Self {
        let stream = bench.ding();
        let connected = |kind: &_| matches!(kind, StreamLogKind::Connected { .. });
        let count = |stream: &Stream| stream.log().iter().filter(|entry| connected(&entry.what)).count();
        let before = count(&stream);
        let client = Self::dial(&Self::address(bench, subscriptions).await).await.unwrap();
        soon(stream.wait_for(|log| (log.iter().filter(|entry| connected(&entry.what)).count() > before).then_some(())))
            .await;
        client
    }

    pub(super) async fn dial(url: &str) -> Result<Self, Error> {
        let (ws, _) = soon(Box::pin(connect_async(url))).await?;
        Ok(Self { ws })
    }

    /// The next frame; anything else fails the test.
    pub(super) async fn frame(&mut self) -> Value {
        match soon(self.ws.next()).await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn send(&mut self, frame: &Value) {
        soon(self.ws.send(Message::text(frame.to_string()))).await.unwrap();
    }

    /// Acknowledges a frame; `data` is put in as a text.
    pub(super) async fn ack(&mut self, frame: &Value, code: i64, data: &Value) {
        let headers = json!({"messageId": frame["headers"]["messageId"], "contentType": "application/json"});
        self.send(&json!({"code": code, "headers": headers, "message": "OK", "data": data.to_string()})).await;
    }

    /// Whether the connection ends without another frame.
    pub(super) async fn ends(&mut self) -> bool {
        !matches!(soon(self.ws.next()).await, Some(Ok(Message::Text(_) | Message::Binary(_))))
    }
}

/// Waits for entries of the log that `pick` picks; gives what it made of the first `count`.
pub(super) async fn logged<T>(bench: &Bench, count: usize, pick: impl Fn(&StreamLogKind) -> Option<T>) -> Vec<T> {
    let stream = bench.ding();
    let found = stream.wait_for(|log| {
        let found: Vec<T> = log.iter().filter_map(|entry| pick(&entry.what)).collect();
        (found.len() >= count).then_some(found)
    });
    soon(found).await
}
