//! Who may connect: tickets, the limit, and how the upgrade is refused.

use std::sync::Arc;

use cardkey_sandbox::feishu::stream::{CONNECTION_LIMIT, StreamLogKind};
use tokio_tungstenite::tungstenite::{Error, Message, http::Response};

use crate::client::{Client, event, event_id, soon, stream, stream_with, wait_for_count};

fn refused(result: Result<Client, Error>) -> Response<Option<Vec<u8>>> {
    match result {
        Err(Error::Http(response)) => *response,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("connected"),
    }
}

fn header<'a>(response: &'a Response<Option<Vec<u8>>>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

#[tokio::test]
async fn the_url_has_the_platforms_shape() {
    let stream = stream().await;
    let url = url::Url::parse(&stream.new_ticket().unwrap()).unwrap();
    assert_eq!((url.scheme(), url.path()), ("ws", "/ws/v2"));
    assert_eq!(url.port(), Some(stream.address().port()));
    let query: Vec<_> = url.query_pairs().collect();
    let keys: Vec<_> = query.iter().map(|(k, _)| k.as_ref()).collect();
    let wanted = ["fpid", "aid", "device_id", "access_key", "service_id", "ticket"];
    assert_eq!(keys, wanted);
    assert_eq!(query[2].1.len(), 19);
    assert_eq!(query[4].1, "33554678");
}

#[tokio::test]
async fn a_ticket_opens_one_connection() {
    let stream = stream().await;
    let url = stream.new_ticket().unwrap();
    let _client = Client::dial(&url).await.unwrap();
    let again = refused(Client::dial(&url).await);
    assert_eq!(again.status(), 400);
    assert_eq!(header(&again, "Handshake-Status"), Some("514"));
    assert_eq!(header(&again, "Handshake-Autherrcode"), Some("1000040344"));
    assert!(header(&again, "Handshake-Msg").is_some());
    let elsewhere = refused(Client::dial(&url.replace("/ws/v2", "/ws/v1")).await);
    assert_eq!(elsewhere.status(), 404);
    wait_for_count(&stream, 2, |k| matches!(k, StreamLogKind::HandshakeFailed { .. })).await;
}

#[tokio::test]
async fn fifty_connections_and_no_more() {
    let stream = stream().await;
    let spare = stream.new_ticket().unwrap();
    let mut clients = Vec::new();
    for _ in 0..CONNECTION_LIMIT {
        clients.push(Client::connect(&stream).await);
    }
    assert_eq!(stream.new_ticket().unwrap_err().code, 1_000_040_350);
    let late = refused(Client::dial(&spare).await);
    assert_eq!(header(&late, "Handshake-Autherrcode"), Some("1000040350"));
    clients.pop();
    soon(stream.wait_for_connections(CONNECTION_LIMIT - 1)).await;
    Client::connect(&stream).await;
}

#[tokio::test]
async fn the_log_holds_no_ticket() {
    let stream = stream().await;
    let url = url::Url::parse(&stream.new_ticket().unwrap()).unwrap();
    Client::dial(url.as_str()).await.unwrap();
    wait_for_count(&stream, 1, |k| matches!(k, StreamLogKind::Closed { .. })).await;
    let log = serde_json::to_string(&stream.log()).unwrap();
    let secrets = url.query_pairs();
    for (key, secret) in secrets.filter(|(k, _)| k == "ticket" || k == "access_key") {
        assert!(!log.contains(&*secret), "{key}");
    }
    assert!(log.contains(r#""kind":"connected""#));
}

#[tokio::test]
async fn stopping_ends_connections_and_listener() {
    let stream = stream().await;
    let url = stream.new_ticket().unwrap();
    let mut client = Client::connect(&stream).await;
    soon(stream.stop()).await;
    assert!(matches!(client.next().await, Some(Err(_)) | None));
    assert_eq!(stream.connections(), 0);
    assert!(Client::dial(&url).await.is_err());
}

#[tokio::test]
async fn over_tls() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = certified.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der());
    let server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.unwrap())
        .unwrap();
    let stream = stream_with(|c| {
        c.tls = Some(Arc::new(server));
        c.public_host = "localhost".to_owned();
    })
    .await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let url = stream.new_ticket().unwrap();
    assert!(url.starts_with("wss://localhost:"));
    let mut ws = tls_client(&url, stream.address(), client).await;
    stream.push_event(event("e-1")).await;
    let message = soon(futures_util::StreamExt::next(&mut ws)).await;
    let Some(Ok(Message::Binary(bytes))) = message else {
        panic!("{message:?}");
    };
    let frame = cardkey_sandbox::feishu::stream::frame::Frame::parse(&bytes).unwrap();
    assert_eq!(event_id(&frame), "e-1");
}

async fn tls_client(
    url: &str,
    address: std::net::SocketAddr,
    config: rustls::ClientConfig,
) -> tokio_tungstenite::WebSocketStream<tokio_rustls::client::TlsStream<tokio::net::TcpStream>> {
    let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = "localhost".try_into().unwrap();
    let tls = connector.connect(name, tcp).await.unwrap();
    let (ws, _) = tokio_tungstenite::client_async(url, tls).await.unwrap();
    ws
}
