//! The client against real sockets: what it takes, what it refuses, and what it says about the fate of a request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::platform::fake_server::{FakeServer, Reply, closed_port, text, with_headers};

const SMALL_GZIP: &[u8] = include_bytes!("../../../tests/fixtures/http/small.json.gz");
/// 8 MiB of text in 8 KB.
const GZIP_BOMB: &[u8] = include_bytes!("../../../tests/fixtures/http/bomb.json.gz");

const AMPLE: Limits = Limits::within(Duration::from_secs(30));

fn client() -> reqwest::Client {
    http_client(&rustls_config(None).unwrap()).unwrap()
}

async fn get(url: url::Url, limits: Limits) -> Result<Answer, NoAnswer> {
    call(client().get(url), limits).await
}

#[tokio::test]
async fn an_answer_is_read_whole() {
    let server = FakeServer::start(|_, _| with_headers(418, &[("x-a", "b")], b"short".to_vec())).await;
    let answer = get(server.base.clone(), AMPLE).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::IM_A_TEAPOT, &b"short"[..]));
    assert_eq!(answer.headers["x-a"], "b");
    assert_eq!(server.seen()[0].header("user-agent"), Some(concat!("cardkey/", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn what_cannot_connect_was_not_sent() {
    assert_eq!(get(closed_port().await, AMPLE).await.err(), Some(NoAnswer::NotSent));
    let plain = FakeServer::start(|_, _| text(200, "{}")).await;
    let mut no_tls_there = plain.base.clone();
    no_tls_there.set_scheme("https").unwrap();
    assert_eq!(get(no_tls_there, AMPLE).await.err(), Some(NoAnswer::NotSent));
    assert!(plain.seen().is_empty());
}

#[tokio::test]
async fn what_cannot_be_written_was_not_sent() {
    let server = FakeServer::start(|_, _| text(200, "{}")).await;
    let request = client().get(server.base.clone()).header("authorization", "Bearer a\r\nX: y");
    assert_eq!(call(request, AMPLE).await.err(), Some(NoAnswer::NotSent));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn what_was_sent_and_not_answered_is_unclear() {
    let hanging_up = FakeServer::hanging_up().await;
    assert_eq!(get(hanging_up.base.clone(), AMPLE).await.err(), Some(NoAnswer::Unclear));
    let silent = FakeServer::start(|_, _| Reply::Never).await;
    let impatient = Limits::within(Duration::from_millis(100));
    assert_eq!(get(silent.base.clone(), impatient).await.err(), Some(NoAnswer::Unclear));
}

#[tokio::test]
async fn a_body_over_the_cap_is_unclear() {
    for (size, fits) in [(MAX_BODY_BYTES, true), (MAX_BODY_BYTES + 1, false), (10 * 1024 * 1024, false)] {
        let server = FakeServer::start(move |_, _| text(200, &"x".repeat(size))).await;
        let answer = get(server.base.clone(), AMPLE).await;
        assert_eq!(answer.err(), if fits { None } else { Some(NoAnswer::Unclear) }, "{size}");
    }
}

#[tokio::test]
async fn the_cap_counts_decoded_bytes() {
    let gzip = [("content-encoding", "gzip")];
    let small = FakeServer::start(move |_, _| with_headers(200, &gzip, SMALL_GZIP.to_vec())).await;
    assert_eq!(&get(small.base.clone(), AMPLE).await.unwrap().body[..], br#"{"code":0,"msg":"ok"}"#);
    let bomb = FakeServer::start(move |_, _| with_headers(200, &gzip, GZIP_BOMB.to_vec())).await;
    assert_eq!(get(bomb.base.clone(), AMPLE).await.err(), Some(NoAnswer::Unclear));
    let broken = FakeServer::start(move |_, _| with_headers(200, &gzip, b"not gzip".to_vec())).await;
    assert_eq!(get(broken.base.clone(), AMPLE).await.err(), Some(NoAnswer::Unclear));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server = FakeServer::start(|_, _| with_headers(302, &[("location", "/elsewhere")], Vec::new())).await;
    let answer = get(server.base.clone(), AMPLE).await.unwrap();
    assert_eq!((answer.status, server.seen().len()), (StatusCode::FOUND, 1));
}

/// Answers the first request of each connection and resets the connection in the middle of the second one; what it read.
async fn resetting() -> (url::Url, Arc<Mutex<Vec<String>>>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = url::Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let read = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&read);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"token one") {
                assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
            }
            log.lock().unwrap().push("all of one".to_owned());
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            let mut begin = [0; 4];
            stream.read_exact(&mut begin).await.unwrap();
            log.lock().unwrap().push(String::from_utf8_lossy(&begin).into_owned());
            // The rest was not read: the other side gets a reset and not an end.
        }
    });
    (base, read, serving)
}

#[tokio::test]
async fn what_was_written_into_a_kept_connection_that_is_reset_is_unclear_and_not_sent_again() {
    let (url, read, _serving) = resetting().await;
    let client = client();
    let one = call(client.post(url.clone()).body("token one"), AMPLE).await;
    assert_eq!(one.unwrap().status, StatusCode::OK);
    let two = call(client.post(url).body("token two"), AMPLE).await;
    assert_eq!(two.err(), Some(NoAnswer::Unclear));
    assert_eq!(*read.lock().unwrap(), ["all of one", "POST"], "no other connection was tried");
}

#[test]
fn ids_stay_inside_their_segment() {
    let base = Url::parse("https://open.feishu.cn").unwrap();
    assert_eq!(below(&base, &["open-apis", "im"]).as_str(), "https://open.feishu.cn/open-apis/im");
    assert_eq!(below(&base, &["m", "a/../b?c#d"]).as_str(), "https://open.feishu.cn/m/a%2F..%2Fb%3Fc%23d");
    let nested = Url::parse("http://127.0.0.1:1/sandbox/").unwrap();
    assert_eq!(below(&nested, &["x"]).as_str(), "http://127.0.0.1:1/sandbox/x");
}
