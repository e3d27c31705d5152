//! Faults that act on bytes and on connections.

use cardkey_sandbox::feishu::stream::{NoConnection, Raw, StreamFaults, StreamLogKind};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::{Client, event, event_id, soon, stream, wait_for_count};

fn faults(json: Value) -> StreamFaults {
    serde_json::from_value(json).unwrap()
}

/// Upgrades by hand, and gives the connection behind the answer.
async fn raw_client(url: &str) -> TcpStream {
    let (host, path) = url.strip_prefix("ws://").unwrap().split_once('/').unwrap();
    let mut tcp = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(soon(tcp.read_u8()).await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    tcp
}

#[tokio::test]
async fn a_frame_is_cut_once() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"cut": {"after_bytes": 9}})));
    let mut tcp = raw_client(&stream.new_ticket().unwrap()).await;
    stream.push_event(event("e-1")).await;
    let mut bytes = Vec::new();
    soon(tcp.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(bytes.len(), 9);
    // A binary message of more than 125 bytes, whose first field is SeqID 0.
    assert_eq!((bytes[0], bytes[1], &bytes[4..6]), (0x82, 126, &[8, 0][..]));
    let mut client = Client::connect(&stream).await;
    stream.push_event(event("e-2")).await;
    assert_eq!(event_id(&client.frame().await), "e-2");
}

#[tokio::test]
async fn a_cut_can_be_a_reset() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"cut": {"after_bytes": 0, "reset": true}})));
    let mut tcp = raw_client(&stream.new_ticket().unwrap()).await;
    stream.push_event(event("e-1")).await;
    let end = soon(tcp.read_u8()).await.unwrap_err();
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_black_hole_answers_nothing_and_comes_back() {
    use futures_util::SinkExt as _;
    let stream = stream().await;
    let mut hole = Client::connect(&stream).await;
    let mut other = Client::connect(&stream).await;
    stream.set_faults(faults(json!({"black_hole": {"connection": 1}})));
    hole.ping(1).await;
    hole.ws.send(Message::Ping("x".into())).await.unwrap();
    wait_for_count(&stream, 2, |k| *k == StreamLogKind::Swallowed).await;
    other.ping(2).await;
    assert_eq!(other.frame().await.service, 2);
    stream.set_faults(StreamFaults::default());
    hole.ping(3).await;
    // Neither the first ping nor the WebSocket ping was answered, then or later.
    assert_eq!(hole.frame().await.service, 3);
}

#[tokio::test]
async fn all_connections_are_black_holes() {
    let stream = stream().await;
    let mut one = Client::connect(&stream).await;
    let mut two = Client::connect(&stream).await;
    stream.set_faults(faults(json!({"black_hole": {}})));
    stream.push_event(event("e-1")).await;
    one.ping(1).await;
    two.ping(2).await;
    wait_for_count(&stream, 2, |k| *k == StreamLogKind::Swallowed).await;
    let mut fresh = Client::connect(&stream).await;
    fresh.ping(3).await;
    assert_eq!(fresh.frame().await.service, 3);
    stream.set_faults(StreamFaults::default());
    for client in [&mut one, &mut two] {
        client.ping(4).await;
        // Neither the event nor the first pong was kept for later.
        assert_eq!(client.frame().await.service, 4);
    }
}

#[tokio::test]
async fn a_black_hole_does_not_even_answer_a_close() {
    let stream = stream().await;
    let mut tcp = raw_client(&stream.new_ticket().unwrap()).await;
    soon(stream.wait_for_connections(1)).await;
    stream.set_faults(faults(json!({"black_hole": {}})));
    let close = hex::decode("888000000000").unwrap();
    tcp.write_all(&close).await.unwrap();
    wait_for_count(&stream, 1, |k| *k == StreamLogKind::Swallowed).await;
    // Only then is the connection given up, without a word.
    stream.set_faults(StreamFaults::default());
    let mut bytes = Vec::new();
    soon(tcp.read_to_end(&mut bytes)).await.unwrap();
    assert!(bytes.is_empty(), "{bytes:?}");
}

#[tokio::test]
async fn new_connections_are_swallowed() {
    let stream = stream().await;
    stream.set_faults(faults(json!({"black_hole": {"new": true}})));
    let url = stream.new_ticket().unwrap();
    let dial = tokio::join!(Client::dial(&url), async {
        wait_for_count(&stream, 1, |k| *k == StreamLogKind::Dial).await;
        stream.set_faults(StreamFaults::default());
    });
    assert!(dial.0.is_err());
    Client::dial(&url).await.unwrap();
}

#[tokio::test]
async fn closed_with_a_code_at_once() {
    let stream = stream().await;
    let mut clients = [Client::connect(&stream).await, Client::connect(&stream).await];
    stream.set_faults(faults(json!({"close": {"code": 1012, "reason": "restart"}})));
    for client in &mut clients {
        let Some(Ok(Message::Close(Some(frame)))) = client.next().await else {
            panic!("no close frame");
        };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1012, "restart"));
        assert!(client.next().await.is_none());
    }
    soon(stream.wait_for_connections(0)).await;
    Client::connect(&stream).await;
}

#[tokio::test]
async fn closed_after_and_instead_of_an_event() {
    let stream = stream().await;
    for (when, event_first) in [("after_event", true), ("instead_of_event", false)] {
        let mut client = Client::connect(&stream).await;
        stream.set_faults(faults(json!({"close": {"code": 4000, "when": when, "times": 1}})));
        stream.push_event(event(when)).await;
        if event_first {
            assert_eq!(event_id(&client.frame().await), when);
        }
        let end = client.next().await.unwrap().unwrap();
        assert!(end.is_close(), "{end:?}");
        assert!(client.next().await.is_none());
        soon(stream.wait_for_connections(0)).await;
    }
}

#[tokio::test]
async fn anything_can_be_sent_to_a_chosen_connection() {
    let stream = stream().await;
    assert_eq!(stream.send_raw(None, []), Err(NoConnection));
    let mut one = Client::connect(&stream).await;
    let mut two = Client::connect(&stream).await;
    let message = |bytes: &'static [u8]| Raw::Binary { hex: bytes.into() };
    assert_eq!(stream.send_raw(Some(2), [message(b"two")]), Ok(2));
    assert_eq!(stream.send_raw(None, [message(b"one")]), Ok(1));
    assert_eq!(stream.send_raw(Some(9), [message(b"nine")]), Err(NoConnection));
    assert_eq!(one.next().await.unwrap().unwrap(), Message::binary(&b"one"[..]));
    assert_eq!(two.next().await.unwrap().unwrap(), Message::binary(&b"two"[..]));
}

#[tokio::test]
async fn violations_of_websocket_reach_the_client() {
    let stream = stream().await;
    for (violation, hex) in [
        ("a frame of 2^63 bytes", "827f8000000000000000"),
        ("a masked frame", "82810000000000"),
        ("reserved bits", "f20100"),
        ("a reserved opcode", "8300"),
        ("a fragmented ping", "0900"),
        ("a ping of 126 bytes", &format!("897e007e{}", "00".repeat(126))),
        ("a close frame of one byte", "880103"),
        ("an invalid close reason", "880403e8fffe"),
    ] {
        let mut client = Client::connect(&stream).await;
        let raw: Raw = serde_json::from_value(json!({"kind": "tcp", "hex": hex})).unwrap();
        stream.send_raw(None, [raw]).unwrap();
        let seen = client.next().await;
        assert!(
            matches!(seen, Some(Err(Error::Protocol(_) | Error::Capacity(_) | Error::Utf8(_)))),
            "{violation}: {seen:?}"
        );
        drop(client);
        soon(stream.wait_for_connections(0)).await;
    }
}

#[tokio::test]
async fn raw_bytes_before_an_event_keep_their_place() {
    let stream = stream().await;
    // A whole ping of WebSocket, by hand.
    stream.set_faults(faults(json!({"garbage": [{"kind": "tcp", "hex": "890161"}]})));
    let mut client = Client::connect(&stream).await;
    for id in ["e-1", "e-2"] {
        stream.push_event(event(id)).await;
        assert_eq!(client.next().await.unwrap().unwrap(), Message::Ping("a".into()));
        assert_eq!(event_id(&client.frame().await), id);
    }
}

#[tokio::test]
async fn a_hangup_ends_one_connection() {
    let stream = stream().await;
    let mut client = Client::connect(&stream).await;
    stream.send_raw(None, [Raw::Hangup { reset: false }]).unwrap();
    assert!(matches!(client.next().await, Some(Err(Error::Protocol(_)))));
    soon(stream.wait_for_connections(0)).await;
}
