//! Bad clients, rows D1 to D5: slow, idle, never reading, endless. (D6 and D7, deep and compressed bodies, stand with
//! the fields in `bad_api`, D9 in `web::layers`.) The limits are milliseconds here; nothing is asserted about time but
//! that it comes to an end.

use std::time::Duration;

use cardkey::web::serve::Limits;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Setup, World};

const SHORT: Duration = Duration::from_millis(200);
const SOCKETS: usize = 20;

/// A world whose patience is short in one respect.
async fn world(limits: Limits) -> World {
    World::with(Setup { limits, ..Setup::default() }).await
}

impl World {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.gateway().api).await.unwrap()
    }

    /// The head of an ask with this line in it.
    fn head(&self, line: &str) -> String {
        let key = &self.key;
        format!(
            "POST /v1/tokens HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n{line}\r\n\r\n"
        )
    }
}

/// Sends the text a byte at a time, over and over, until something comes back; gives what came.
async fn drip(mut stream: TcpStream, text: &[u8]) -> String {
    let mut answer = Vec::new();
    for byte in text.iter().cycle() {
        let pause = Duration::from_millis(20);
        let sent = stream.write_all(&[*byte]).await;
        let read = tokio::time::timeout(pause, stream.read_buf(&mut answer)).await;
        if sent.is_err() || read.is_ok() {
            break;
        }
    }
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn d1_a_head_that_comes_a_byte_at_a_time_is_not_waited_for() {
    let world = world(Limits { head: SHORT, ..Limits::default() }).await;
    let mut clients = Vec::new();
    for _ in 0..SOCKETS {
        clients.push(drip(world.connect().await, b"GET /healthz HTTP/1.1\r\nx-endless: aaaaaaaaaaaaaaaa"));
    }
    let (answers, served) = tokio::join!(futures_util::future::join_all(clients), world.get("/healthz"));
    assert!(answers.iter().all(|answer| answer.is_empty() || answer.contains(" 408 ")), "D1: {answers:?}");
    assert_eq!(served.status, 200, "D1: others are served meanwhile");
    world.end().await;
}

#[tokio::test]
async fn d2_a_body_that_comes_a_byte_at_a_time_is_not_waited_for() {
    let world = world(Limits { body: SHORT, ..Limits::default() }).await;
    let calls = world.platform_calls().await;
    let head = world.head("content-length: 1000");
    for _ in 0..3 {
        let mut stream = world.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = drip(stream, b"          ").await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "D2: {answer}");
        assert!(answer.contains("urn:cardkey:problem:too-slow"), "D2: {answer}");
    }
    assert_eq!(world.platform_calls().await, calls, "D2");
    world.end().await;
}

#[tokio::test]
async fn d3_idle_connections_end() {
    let world = world(Limits { head: SHORT, ..Limits::default() }).await;
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(world.connect().await);
    }
    let mut used = world.connect().await;
    used.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    sockets.push(used);
    for mut socket in sockets {
        let mut answer = String::new();
        // Whether it ends with or without an error: it ends.
        drop(socket.read_to_string(&mut answer).await);
        assert!(answer.is_empty() || answer.contains(" 408 ") || answer.contains(" 200 "), "D3: {answer}");
    }
    world.end().await;
}

#[tokio::test]
async fn d4_a_client_that_never_reads_is_let_go() {
    let world = world(Limits { unread: SHORT, ..Limits::default() }).await;
    let mut socket = world.connect().await;
    let asks = "GET /assets/page.css HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000);
    // Answers that nobody reads fill the buffers on the way; then the gateway does not read either, and this would wait
    // for ever if it were not let go.
    while socket.write_all(asks.as_bytes()).await.is_ok() {}
    assert_eq!(world.get("/healthz").await.status, 200, "D4: others are served");
    world.end().await;
}

#[tokio::test]
async fn d5_a_hundred_megabytes_are_not_read() {
    let world = World::new().await;
    let calls = world.platform_calls().await;
    let whole = 100 * 1024 * 1024;
    let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
    let block = vec![b' '; 0x10000];
    for (row, line, piece) in [
        ("D5 told beforehand", format!("content-length: {whole}"), &block),
        ("D5 in chunks", "transfer-encoding: chunked".to_owned(), &chunk),
    ] {
        let mut stream = world.connect().await;
        stream.write_all(world.head(&line).as_bytes()).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let mut answer = String::new();
        let upload = async {
            let mut sent = 0;
            while sent < whole && writer.write_all(piece).await.is_ok() {
                sent += piece.len();
            }
            sent
        };
        let (sent, read) = tokio::join!(upload, reader.read_to_string(&mut answer));
        assert!(sent < whole / 2, "{row}: {sent} bytes were taken");
        // The rest of the body is cut off with a reset, which may overtake the answer on its way to us.
        assert!(read.is_err() || answer.starts_with("HTTP/1.1 413 "), "{row}: {answer}");
    }
    let body = json!({ "reason": "x".repeat(64 * 1024) }).to_string();
    let request = world.http.post(world.url("/v1/tokens")).bearer_auth(&world.key);
    let reply = world.send(request.header("content-type", "application/json").body(body)).await;
    assert_eq!((reply.status, reply.problem().as_str()), (413, "too-large"), "D5 a little too much");
    let request = world.http.post(world.url("/v1/tokens")).header("content-type", "application/json");
    let reply = world.send(request.body(vec![b' '; 70_000])).await;
    assert_eq!(reply.status, 401, "D5: without a key nothing is read at all");
    assert_eq!(world.platform_calls().await, calls, "D5");
    world.end().await;
}
