//! How often the platform is dialled while it refuses, on paused time. What it answers is read by this folder's own code and
//! handed to the supervisor that runs in the product; only the socket is a pipe.
//!
//! One of the official clients was seen to dial 11,658 times in 21 seconds when its tickets were refused.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde_json::{Map, json};
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::domain::event::Verdict;
use crate::domain::ids::AppId;
use crate::domain::random::Random;
use crate::platform::dingtalk::endpoint::refusal;
use crate::stream::contract::Io;
use crate::stream::rig::{Dial, Same, Script, Seen, StillClock};
use crate::stream::supervisor::{Settings, Stream};

const MINUTE: Duration = Duration::from_mins(1);

/// No link dials more often in any minute, whatever the jitter draws.
const NEVER_MORE: usize = 240;
/// Nor more often than this with fair draws: a thousand minutes were looked at.
const FAIRLY: usize = 12;
/// Nor, once it has failed for some minutes, more often than this in a whole hour.
const FAIRLY_AN_HOUR: usize = 160;
/// Where a person has to mend something.
const SLOWLY: usize = 1;

/// How long a link lives on after its end was announced.
const DRAINS: Duration = Duration::from_secs(10);

/// Draws evenly, and the same in every run (`SplitMix64`).
struct Even(Mutex<u64>);

impl Random for Even {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        for part in buffer.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            part.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..part.len()]);
        }
    }
}

/// A link as this platform's, and its other end.
fn link() -> (Opened, WebSocketStream<DuplexStream>) {
    let (near, far) = tokio::io::duplex(1 << 16);
    let near: Box<dyn Io> = Box::new(near);
    let socket = WebSocketStream::from_raw_socket(near, Role::Client, None).now_or_never().unwrap();
    let renderer = Renderer { toast: |_| Map::new(), card: Arc::new(|_| Map::new()) };
    let codec = DingTalkCodec::new(AppId::parse("dingsimapp").unwrap(), renderer);
    let peer = WebSocketStream::from_raw_socket(far, Role::Server, None).now_or_never().unwrap();
    (Opened { socket, codec: Box::new(codec) }, peer)
}

fn no_room() -> Dial {
    Dial::No(refusal(503, b"<html>busy</html>"))
}

fn ticket_refused() -> Dial {
    Dial::No(refused_handshake(&Response::builder().status(400).body(()).unwrap()))
}

/// The link opens, and is gone.
fn cut() -> Dial {
    Dial::up(link().0)
}

/// The link opens, its end is announced at once, and comes ten seconds later.
fn sent_away() -> Dial {
    let (opened, mut peer) = link();
    let headers = json!({ "topic": "disconnect", "messageId": "m-1", "contentType": "application/json" });
    let frame = json!({ "type": "SYSTEM", "headers": headers, "data": "{\"reason\":\"expired\"}" }).to_string();
    TaskTracker::new().spawn(async move {
        peer.send(Message::text(frame)).await.unwrap();
        let _ = tokio::time::timeout(DRAINS, async { while let Some(Ok(_)) = peer.next().await {} }).await;
    });
    Dial::up(opened)
}

fn limited() -> Dial {
    Dial::No(refusal(403, br#"{"code":"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"}"#))
}

fn wrong_secret() -> Dial {
    Dial::No(refusal(401, br#"{"code":"authFailed"}"#))
}

/// The dials of one link in the time given, as times from the first.
async fn dials(then: fn() -> Dial, random: Arc<dyn Random>, time: Duration) -> Vec<Duration> {
    let (stop, tracker, script) = (CancellationToken::new(), TaskTracker::new(), Script::new([], then));
    let stream = Stream {
        app: AppId::parse("dingsimapp").unwrap(),
        protocol: Arc::clone(&script) as Arc<dyn Protocol>,
        handler: Arc::new(|_| async { Verdict::accepted() }.boxed()),
        settings: Settings { connections: 1, ..Settings::default() },
        observer: Seen::default().observer(),
        clock: Arc::new(StillClock),
        random,
    };
    drop(stream.start(&tracker, &stop));
    tokio::time::sleep(time).await;
    stop.cancel();
    tracker.close();
    tracker.wait().await;
    let made = script.made();
    made.iter().map(|at| *at - made[0]).collect()
}

/// The most dials in any minute.
fn busiest(dials: &[Duration]) -> usize {
    let within = |from: &Duration| dials.iter().filter(|at| (*from..*from + MINUTE).contains(*at)).count();
    dials.iter().map(within).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_refuses_is_dialled_a_bounded_number_of_times_a_minute() {
    for (name, then) in [
        ("the endpoint has no room", no_room as fn() -> Dial),
        ("tickets are refused", ticket_refused),
        ("links are cut at once", cut),
        ("links are sent away at once", sent_away),
    ] {
        let shortest = dials(then, Arc::new(Same(0)), 3 * MINUTE).await;
        assert!(busiest(&shortest) <= NEVER_MORE, "{name}: {} in a minute", busiest(&shortest));
        let longest = dials(then, Arc::new(Same(0xff)), 10 * MINUTE).await;
        assert!((14..=17).contains(&longest.len()), "{name}: it goes on: {}", longest.len());
        for seed in 0..4 {
            let fair = dials(then, Arc::new(Even(Mutex::new(seed))), 250 * MINUTE).await;
            assert!(busiest(&fair) <= FAIRLY, "{name}: {} in a minute with fair draws", busiest(&fair));
            let later = fair.iter().filter(|at| (10 * MINUTE..70 * MINUTE).contains(*at)).count();
            assert!((60..=FAIRLY_AN_HOUR).contains(&later), "{name}: {later} in an hour with fair draws");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_the_rate_and_a_wrong_secret_are_met_with_one_dial_a_minute() {
    for (name, then) in [("the rate is limited", limited as fn() -> Dial), ("the secret is wrong", wrong_secret)] {
        for byte in [0, 0x80, 0xff] {
            let found = dials(then, Arc::new(Same(byte)), 60 * MINUTE).await;
            assert!(busiest(&found) <= SLOWLY, "{name}: {} in a minute", busiest(&found));
            assert!(found.len() >= 12, "{name}: it goes on: {}", found.len());
        }
    }
}
