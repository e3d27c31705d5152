//! W10 to W14: bytes that break the WebSocket protocol itself. The link ends, and nothing else happens.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// How the connection ends when the peer sends these bytes and then waits.
async fn end_after(bytes: &[u8]) -> End {
    let (opened, far) = raw_pair(4 << 20).await;
    let running = run(opened, accepting());
    let (mut read, mut write) = tokio::io::split(far);
    write.write_all(bytes).await.unwrap();
    let drain = TaskTracker::new().spawn(async move {
        let mut sink = Vec::new();
        read.read_to_end(&mut sink).await
    });
    let end = end_of(running).await;
    drop((drain, write));
    end
}

/// The head of a frame of up to 125 bytes.
fn head(first: u8, length: u8) -> Vec<u8> {
    vec![first, length]
}

#[tokio::test(start_paused = true)]
async fn w10_w11_messages_over_the_limit() {
    let claim = |length: u64| [vec![0x82, 127], length.to_be_bytes().to_vec()].concat();
    let whole = [claim((1 << 20) + 1), vec![b'x'; 4096]].concat();
    let fragment = [vec![0x00, 126], 4096_u16.to_be_bytes().to_vec(), vec![b'x'; 4096]].concat();
    let fragments = [head(0x02, 0), fragment.repeat(300)].concat();
    for (name, bytes, ends) in [
        ("W10 2^63 - 1 bytes", claim(u64::MAX >> 1), ["too_large", "protocol"]),
        ("W10 2^64 - 1 bytes", claim(u64::MAX), ["too_large", "protocol"]),
        ("W11 one frame", whole, ["too_large", "too_large"]),
        ("W11 many frames", fragments, ["too_large", "too_large"]),
    ] {
        let end = end_after(&bytes).await;
        assert!(matches!(end, End::Lost(why) if ends.contains(&why)), "{name}: {end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn w11_empty_continuations_do_not_keep_a_link_alive() {
    let bytes = [head(0x02, 0), head(0x00, 0).repeat(100_000)].concat();
    assert_eq!(end_after(&bytes).await, End::Lost("silence"), "W11");
}

#[tokio::test(start_paused = true)]
async fn w12_w13_w14_frames_against_the_protocol() {
    for (name, bytes) in [
        ("W12 RSV1, as for compression (W14: none was offered)", head(0xc2, 0)),
        ("W12 RSV2", head(0xa2, 0)),
        ("W12 RSV3", head(0x92, 0)),
        ("W12 reserved data opcode", head(0x83, 0)),
        ("W12 reserved control opcode", head(0x8b, 0)),
        ("W12 fragmented ping", head(0x09, 0)),
        ("W12 ping of 126 bytes", [vec![0x89, 126, 0, 126], vec![0; 126]].concat()),
        ("W12 continuation of nothing", head(0x80, 0)),
        ("W12 new message inside a fragmented one", [head(0x02, 0), head(0x82, 0)].concat()),
        ("W12 masked frame from a server", [vec![0x82, 0x81, 1, 2, 3, 4], vec![b'x']].concat()),
        ("W13 close of 1 byte", [head(0x88, 1), vec![3]].concat()),
        ("W13 close with invalid UTF-8", [head(0x88, 4), vec![0x03, 0xe8, 0xff, 0xfe]].concat()),
        ("text that is no UTF-8", [head(0x81, 2), vec![0xff, 0xfe]].concat()),
    ] {
        assert_eq!(end_after(&bytes).await, End::Lost("protocol"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn w13_close_with_an_invalid_code() {
    for code in [0_u16, 999, 1005, 1006, 5000, 65535] {
        let bytes = [head(0x88, 2), code.to_be_bytes().to_vec()].concat();
        let end = end_after(&bytes).await;
        assert!(matches!(end, End::Lost(_)), "W13 {code}: {end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_closed_in_the_middle_of_a_frame_is_lost() {
    let (opened, mut far) = raw_pair(1 << 20).await;
    let running = run(opened, accepting());
    far.write_all(&[0x82, 100, b'e', b'v']).await.unwrap();
    drop(far);
    assert!(matches!(end_of(running).await, End::Lost(_)));
}
