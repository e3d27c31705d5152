//! Opening a link over real sockets on loopback: an endpoint and a WebSocket host that answer as the case wants.

mod sandbox;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::task::TaskTracker;
use url::Url;

use super::*;
use crate::domain::ids::AppId;
use crate::domain::secret::Secret;

/// Answers every connection with the same bytes once a request's head (and a body, if it has one) is there.
async fn canned(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !is_whole(&request) {
                if tcp.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let _ = tcp.write_all(answer.as_bytes()).await;
            let _ = tcp.shutdown().await;
        }
    });
    address
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

fn ok(body: &Value) -> String {
    http("200 OK", "Content-Type: application/json\r\n", &body.to_string())
}

fn url(host: SocketAddr) -> String {
    format!("ws://{host}/ws/v2?fpid=493&service_id=33554678&device_id=7300&ticket=CANARY")
}

fn found(url: &str) -> Value {
    json!({ "code": 0, "msg": "", "data": { "URL": url, "ClientConfig": { "PingInterval": 30, "ReconnectInterval": 40 } } })
}

fn protocol(base: &str) -> FeishuProtocol {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    FeishuProtocol {
        endpoint: Endpoint {
            base: Url::parse(base).unwrap(),
            app: AppId::parse("cli_a1b2c3d4e5f60718").unwrap(),
            secret: Secret::new("CANARY-secret".to_owned()),
            http: reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap(),
        },
        tls: Arc::new(tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()),
        renderer: Renderer { toast: |_| Value::Null, card: Arc::new(|_| Value::Null) },
    }
}

async fn refusal_of(endpoint_answer: String) -> Refused {
    let endpoint = canned(endpoint_answer).await;
    match protocol(&format!("http://{endpoint}")).open().await {
        Ok(_) => panic!("a link was opened"),
        Err(refused) => refused,
    }
}

async fn refusal_of_handshake(answer: String) -> Refused {
    let host = canned(answer).await;
    refusal_of(ok(&found(&url(host)))).await
}

fn is_slow(refused: &Refused) -> bool {
    matches!(refused, Refused::Misconfigured { .. })
}

#[tokio::test]
async fn opens_a_link_that_carries_messages() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap();
    let server = TaskTracker::new().spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(tcp).await.unwrap();
        let first = socket.next().await.unwrap().unwrap();
        socket.send(Message::Binary(Bytes::from_static(b"answer"))).await.unwrap();
        first
    });
    let endpoint = canned(ok(&found(&url(host)))).await;
    let mut opened = protocol(&format!("http://{endpoint}")).open().await.unwrap();
    let (period, ping) = opened.codec.heartbeat();
    assert_eq!((period.as_secs(), opened.codec.reconnect_interval().as_secs()), (30, 40));
    opened.socket.send(ping).await.unwrap();
    assert_eq!(opened.socket.next().await.unwrap().unwrap(), Message::Binary(Bytes::from_static(b"answer")));
    let golden = hex::decode("0800100018f681801020002a0c0a0474797065120470696e67").unwrap();
    assert_eq!(server.await.unwrap(), Message::Binary(golden.into()));
}

#[tokio::test]
async fn endpoint_codes_decide_how_soon_to_try_again() {
    for (code, slow) in [
        (1, false),
        (1_000_040_343, false),
        (1_000_040_350, false),
        (403, true),
        (514, true),
        (1_000_040_344, true),
        (1_000_040_345, true),
        (10_014, true),
        (-7, true),
    ] {
        for data in [json!({}), Value::Null] {
            let refused = refusal_of(ok(&json!({ "code": code, "msg": "CANARY", "data": data }))).await;
            assert_eq!(is_slow(&refused), slow, "{code}: {refused}");
            assert!(refused.to_string().contains(&code.to_string()), "{refused}");
            assert!(!refused.to_string().contains("CANARY"), "{refused}");
        }
    }
}

#[tokio::test]
async fn an_endpoint_out_of_order_is_tried_again() {
    for answer in [
        http("500 Internal Server Error", "", "{}"),
        http("403 Forbidden", "", ""),
        http("302 Found", "Location: http://127.0.0.1:9/\r\n", ""),
        http("200 OK", "", "<html>"),
        http("200 OK", "", ""),
        http("200 OK", "", &"x".repeat(70_000)),
        "garbage".to_owned(),
        String::new(),
        ok(&json!({ "code": 0, "data": {} })),
        ok(&json!({ "code": 0, "data": null })),
        ok(&json!({ "code": 0 })),
        ok(&json!({ "code": "0" })),
        ok(&json!({ "code": 0, "data": { "URL": "" } })),
    ] {
        let refused = refusal_of(answer.clone()).await;
        assert!(!is_slow(&refused), "{refused}: {}", &answer[..answer.len().min(60)]);
    }
}

#[tokio::test]
async fn an_endpoint_can_ask_for_a_pause() {
    for (header, seconds) in [("Retry-After: 7", 7), ("x-ogw-ratelimit-reset: 52", 52), ("Retry-After: 99999", 600)] {
        let refused = refusal_of(http("429 Too Many Requests", &format!("{header}\r\n"), "")).await;
        let Refused::Retry { after, .. } = refused else { panic!("{refused}") };
        assert_eq!(after, Some(Duration::from_secs(seconds)), "{header}");
    }
}

#[tokio::test]
async fn w27_an_unfit_address_is_not_dialled() {
    for address in
        ["ws://evil.example/ws?service_id=1&device_id=1", "ws://127.0.0.1:9/ws?device_id=1", "http://127.0.0.1/"]
    {
        let refused = refusal_of(ok(&found(address))).await;
        assert!(is_slow(&refused), "W27 {address}: {refused}");
        assert!(!refused.to_string().contains("evil"), "W27 {refused}");
    }
}

#[tokio::test]
async fn handshake_refusals_are_told_apart() {
    for (headers, slow) in [
        ("Handshake-Status: 514\r\nHandshake-Autherrcode: 1000040350\r\n", false),
        ("Handshake-Status: 514\r\nHandshake-Autherrcode: 1000040344\r\n", true),
        ("Handshake-Status: 514\r\nHandshake-Autherrcode: 1000040343\r\n", false),
        ("Handshake-Status: 514\r\n", false),
        ("Handshake-Status: 403\r\nHandshake-Msg: CANARY\r\n", true),
        ("Handshake-Status: 0\r\n", false),
        ("Handshake-Status: x\r\n", false),
        ("", false),
    ] {
        let refused = refusal_of_handshake(http("400 Bad Request", headers, "")).await;
        assert_eq!(is_slow(&refused), slow, "{headers}: {refused}");
        assert!(!refused.to_string().contains("CANARY"), "{refused}");
    }
}

#[tokio::test]
async fn a_handshake_out_of_order_is_tried_again() {
    for answer in [http("503 Service Unavailable", "", ""), http("200 OK", "", ""), "garbage".to_owned(), String::new()]
    {
        let refused = refusal_of_handshake(answer).await;
        assert!(!is_slow(&refused) && !refused.to_string().contains("CANARY"), "{refused}");
    }
}

#[tokio::test]
async fn nobody_there_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    assert!(!is_slow(&refusal_of(ok(&found(&url(nobody)))).await));
    let Err(refused) = protocol(&format!("http://{nobody}")).open().await else { panic!("a link was opened") };
    assert!(!is_slow(&refused), "{refused}");
}

#[tokio::test]
async fn a_host_that_is_no_tls_server_gets_no_ticket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = url(listener.local_addr().unwrap()).replace("ws://", "wss://");
    let server = TaskTracker::new().spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut hello = Vec::new();
        tcp.read_buf(&mut hello).await.unwrap();
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        tcp.read_to_end(&mut hello).await.unwrap_or_default();
        hello
    });
    let refused = refusal_of(ok(&found(&address))).await;
    assert!(!is_slow(&refused) && refused.to_string().contains("TLS"), "{refused}");
    assert!(!String::from_utf8_lossy(&server.await.unwrap()).contains("CANARY"));
}
