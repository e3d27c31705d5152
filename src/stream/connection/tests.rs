//! One connection over a pipe in memory, on paused time.

mod wire;

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{FutureExt as _, SinkExt as _};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::*;
use crate::stream::rig::{Peer, Seen, pair, raw_pair, text, words};

const SECOND: Duration = Duration::from_secs(1);

fn accepting() -> Handler {
    Arc::new(|_| async { Verdict::accepted() }.boxed())
}

/// Takes `millis` for each event; counts how many are under way and how many have ended.
fn slow(millis: u64, under_way: &Arc<AtomicUsize>, done: &Arc<AtomicUsize>) -> Handler {
    let (under_way, done) = (Arc::clone(under_way), Arc::clone(done));
    Arc::new(move |_| {
        under_way.fetch_add(1, Ordering::Relaxed);
        let (under_way, done) = (Arc::clone(&under_way), Arc::clone(&done));
        async move {
            sleep(Duration::from_millis(millis)).await;
            under_way.fetch_sub(1, Ordering::Relaxed);
            done.fetch_add(1, Ordering::Relaxed);
            Verdict::accepted()
        }
        .boxed()
    })
}

struct Running {
    stop: CancellationToken,
    seen: Seen,
    task: JoinHandle<Ended>,
}

fn run(opened: Opened, handler: Handler) -> Running {
    let (stop, seen) = (CancellationToken::new(), Seen::default());
    let connection = Connection::new(opened, handler, Limits::default(), seen.board());
    let token = stop.clone();
    let task = TaskTracker::new().spawn(async move { connection.run(&token).await });
    Running { stop, seen, task }
}

/// The next message that is not a heartbeat; `None` once the link is closed.
async fn next(peer: &mut Peer) -> Option<String> {
    loop {
        let message = timeout(Duration::from_mins(10), peer.next()).await.expect("nothing came")?.ok()?;
        match text(&message) {
            Some(word) if word == "beat" => {}
            Some(word) => return Some(word),
            None if message.is_close() => return None,
            None => {}
        }
    }
}

async fn end_of(running: Running) -> End {
    running.task.await.unwrap().end
}

#[tokio::test(start_paused = true)]
async fn events_are_handled_and_answered() {
    let (opened, mut peer) = pair().await;
    let running = run(opened, accepting());
    for (sent, expected) in [("event 1", "ack 1 200"), ("discard 2", "ack 2 200"), ("reply", "replied")] {
        peer.send(words(sent)).await.unwrap();
        assert_eq!(next(&mut peer).await.as_deref(), Some(expected));
    }
    assert_eq!(running.seen.count(|it| matches!(it, Observation::EventAcked { .. })), 1);
    assert_eq!(running.seen.count(|it| matches!(it, Observation::Discarded { why: "unwanted" })), 1);
}

#[tokio::test(start_paused = true)]
async fn answers_leave_in_the_order_in_which_handlers_finish() {
    let (opened, mut peer) = pair().await;
    let handler: Handler = Arc::new(|event| {
        let wait = if event.id.as_str() == "slow" { 2 * SECOND } else { SECOND };
        async move {
            sleep(wait).await;
            Verdict::accepted()
        }
        .boxed()
    });
    let _running = run(opened, handler);
    peer.send(words("event slow")).await.unwrap();
    peer.send(words("event quick")).await.unwrap();
    assert_eq!(next(&mut peer).await.as_deref(), Some("ack quick 200"));
    assert_eq!(next(&mut peer).await.as_deref(), Some("ack slow 200"));
}

#[tokio::test(start_paused = true)]
async fn a_late_handler_is_answered_for_within_three_seconds_and_pings_go_on() {
    let (opened, mut peer) = pair().await;
    let _running = run(opened, Arc::new(|_| std::future::pending().boxed()));
    let start = Instant::now();
    peer.send(words("event 1")).await.unwrap();
    sleep(SECOND).await;
    peer.send(words("event 2")).await.unwrap();
    assert_eq!(next(&mut peer).await.as_deref(), Some("ack 1 500"));
    assert_eq!(start.elapsed(), Duration::from_millis(2_500));
    assert_eq!(next(&mut peer).await.as_deref(), Some("ack 2 500"));
    assert_eq!(start.elapsed(), Duration::from_millis(3_500));
    peer.send(words("reply")).await.unwrap();
    assert_eq!(next(&mut peer).await.as_deref(), Some("replied"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_is_answered_for() {
    let (opened, mut peer) = pair().await;
    let handler: Handler = Arc::new(|event| {
        async move {
            assert!(event.id.as_str() != "1", "a defect in a handler");
            Verdict::accepted()
        }
        .boxed()
    });
    let handler: Handler = Arc::new(move |event| {
        assert!(event.id.as_str() != "0", "a defect in a handler");
        handler(event)
    });
    let _running = run(opened, handler);
    for (sent, expected) in [("event 0", "ack 0 500"), ("event 1", "ack 1 500")] {
        peer.send(words(sent)).await.unwrap();
        assert_eq!(next(&mut peer).await.as_deref(), Some(expected));
    }
    peer.send(words("event 2")).await.unwrap();
    assert_eq!(next(&mut peer).await.as_deref(), Some("ack 2 200"));
}

#[tokio::test(start_paused = true)]
async fn no_more_is_read_than_is_being_handled() {
    let (opened, mut peer) = pair().await;
    let (under_way, done) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let running = run(opened, slow(1_000, &under_way, &done));
    for number in 0..1_000 {
        peer.send(words(&format!("event {number}"))).await.unwrap();
    }
    let mut acks = 0;
    while acks < 1_000 {
        next(&mut peer).await.unwrap();
        acks += 1;
        assert!(under_way.load(Ordering::Relaxed) <= MAX_IN_FLIGHT);
    }
    assert_eq!(done.load(Ordering::Relaxed), 1_000);
    running.stop.cancel();
    assert_eq!(next(&mut peer).await, None);
    drop(peer);
    assert_eq!(end_of(running).await, End::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_black_hole_is_detected_within_25_seconds() {
    let (opened, far) = raw_pair(1 << 20).await;
    let start = Instant::now();
    let running = run(opened, accepting());
    assert_eq!(end_of(running).await, End::Lost("silence"));
    assert_eq!(start.elapsed(), Duration::from_millis(24_900));
    drop(far);
}

#[tokio::test(start_paused = true)]
async fn any_inbound_frame_is_a_sign_of_life() {
    for alive in [words("event 1"), Message::Ping(Bytes::new()), Message::Pong(Bytes::new()), words("nonsense")] {
        let (opened, mut peer) = pair().await;
        let running = run(opened, accepting());
        for _ in 0..10 {
            sleep(24 * SECOND).await;
            peer.send(alive.clone()).await.unwrap();
        }
        assert!(!running.task.is_finished(), "{alive:?}");
        let start = Instant::now();
        assert_eq!(end_of(running).await, End::Lost("silence"), "{alive:?}");
        assert!(start.elapsed() <= 25 * SECOND, "{alive:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pings_go_out_by_our_heartbeat_and_the_platforms() {
    let (opened, mut peer) = pair().await;
    let running = run(opened, accepting());
    let (mut pings, mut beats) = (0, 0);
    let start = Instant::now();
    while start.elapsed() < 241 * SECOND {
        match timeout(11 * SECOND, peer.next()).await.expect("no ping came").unwrap().unwrap() {
            Message::Ping(_) => pings += 1,
            Message::Binary(_) => beats += 1,
            other => panic!("{other:?}"),
        }
        peer.flush().await.unwrap();
    }
    assert!((24..=25).contains(&pings), "{pings} pings");
    assert_eq!(beats, 3, "at 0, 120 and 240 s");
    assert!(!running.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn too_many_bad_frames_recycle_the_link_and_few_do_not() {
    let (opened, mut peer) = pair().await;
    let running = run(opened, accepting());
    for _ in 0..5 {
        for _ in 0..100 {
            peer.send(words("nonsense")).await.unwrap();
        }
        peer.send(words("event 1")).await.unwrap();
        assert_eq!(next(&mut peer).await.as_deref(), Some("ack 1 200"), "the link is kept");
        for _ in 0..6 {
            sleep(10 * SECOND).await;
            peer.send(Message::Pong(Bytes::new())).await.unwrap();
        }
    }
    for _ in 0..101 {
        peer.send(words("nonsense")).await.unwrap();
    }
    assert_eq!(next(&mut peer).await, None);
    drop(peer);
    assert_eq!(running.seen.count(|it| matches!(it, Observation::FrameBad { why: "word" })), 601);
    assert_eq!(end_of(running).await, End::Recycled("bad_frames"));
}

#[tokio::test(start_paused = true)]
async fn the_codec_can_end_a_link() {
    for (word, end) in
        [("reconnect", End::Recycled("reconnect")), ("misconfigured", End::Misconfigured("wrong".to_owned()))]
    {
        let (opened, mut peer) = pair().await;
        let running = run(opened, accepting());
        peer.send(words("event 1")).await.unwrap();
        peer.send(words(word)).await.unwrap();
        assert_eq!(next(&mut peer).await.as_deref(), Some("ack 1 200"), "what is in flight is answered");
        assert_eq!(next(&mut peer).await, None);
        drop(peer);
        assert_eq!(end_of(running).await, end);
    }
}

#[tokio::test(start_paused = true)]
async fn an_orderly_stop_answers_what_is_in_flight_and_closes_with_1000() {
    let (opened, mut peer) = pair().await;
    let (under_way, done) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let running = run(opened, slow(2_000, &under_way, &done));
    peer.send(words("event 1")).await.unwrap();
    sleep(SECOND).await;
    running.stop.cancel();
    sleep(SECOND / 10).await;
    peer.send(words("event 2")).await.unwrap();
    assert_eq!(next(&mut peer).await.as_deref(), Some("ack 1 200"));
    let close = loop {
        if let Message::Close(frame) = peer.next().await.unwrap().unwrap() {
            break frame.unwrap();
        }
    };
    assert_eq!(u16::from(close.code), 1_000);
    drop(peer);
    assert_eq!(end_of(running).await, End::Stopped);
    assert_eq!(done.load(Ordering::Relaxed), 1, "nothing was read after the stop");
}

#[tokio::test(start_paused = true)]
async fn an_orderly_stop_is_bounded_in_time() {
    let (opened, mut peer) = pair().await;
    let running = run(opened, Arc::new(|_| std::future::pending().boxed()));
    peer.send(words("event 1")).await.unwrap();
    sleep(SECOND).await;
    let start = Instant::now();
    running.stop.cancel();
    // The peer reads nothing and never answers the close frame.
    assert_eq!(end_of(running).await, End::Stopped);
    assert!(start.elapsed() <= 4 * SECOND, "{:?}", start.elapsed());
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up() {
    let (opened, far) = raw_pair(256).await;
    let running = run(opened, accepting());
    let mut peer = Peer::from_raw_socket(far, tokio_tungstenite::tungstenite::protocol::Role::Server, None).await;
    let start = Instant::now();
    for number in 0..200 {
        if timeout(SECOND, peer.send(words(&format!("event {number}")))).await.is_err() {
            break;
        }
    }
    assert_eq!(end_of(running).await, End::Lost("write_stall"));
    assert!(start.elapsed() <= 12 * SECOND, "{:?}", start.elapsed());
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_lost_link_leaves_its_handlers_to_be_finished() {
    let (opened, mut peer) = pair().await;
    let (under_way, done) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let running = run(opened, slow(1_000, &under_way, &done));
    peer.send(words("event 1")).await.unwrap();
    sleep(SECOND / 10).await;
    drop(peer);
    let ended = running.task.await.unwrap();
    assert!(matches!(ended.end, End::Lost(_)), "{:?}", ended.end);
    assert_eq!(done.load(Ordering::Relaxed), 0);
    ended.unfinished.finish(3 * SECOND).await;
    assert_eq!(done.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_the_peer_closes_is_left_at_once() {
    let (opened, mut peer) = pair().await;
    let running = run(opened, accepting());
    let start = Instant::now();
    // The peer says good-bye and then neither reads nor hangs up.
    peer.send(Message::Close(None)).await.unwrap();
    assert_eq!(end_of(running).await, End::Lost("closed"));
    assert!(start.elapsed() <= SECOND, "{:?}", start.elapsed());
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn what_had_arrived_before_the_stop_is_answered() {
    let (opened, mut peer) = pair().await;
    let running = run(opened, accepting());
    peer.send(words("event 1")).await.unwrap();
    running.stop.cancel();
    assert_eq!(next(&mut peer).await.as_deref(), Some("ack 1 200"));
    assert_eq!(next(&mut peer).await, None);
}

#[tokio::test(start_paused = true)]
async fn partial_bytes_are_reported_and_taken_back() {
    let (opened, mut peer) = pair().await;
    let running = run(opened, accepting());
    for word in ["part", "part", "reply"] {
        peer.send(words(word)).await.unwrap();
    }
    assert_eq!(next(&mut peer).await.as_deref(), Some("replied"));
    drop(peer);
    let Running { seen, task, .. } = running;
    task.await.unwrap();
    assert_eq!(seen.count(|it| *it == Observation::PartialBytes(20)), 1);
    assert_eq!(seen.count(|it| *it == Observation::PartialBytes(0)), 1);
}
