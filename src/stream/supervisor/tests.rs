//! Links that come, go and stay away, on paused time.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{sleep, timeout};

use super::*;
use crate::domain::event::Verdict;
use crate::stream::rig::{Dial, Peer, Same, Script, Seen, StillClock, app, pair, raw_pair, text, words};

const SECOND: Duration = Duration::from_secs(1);

struct Running {
    stop: CancellationToken,
    tracker: TaskTracker,
    status: watch::Receiver<Status>,
    seen: Seen,
}

fn start(script: &Arc<Script>, connections: usize, byte: u8) -> Running {
    let (stop, tracker, seen) = (CancellationToken::new(), TaskTracker::new(), Seen::default());
    let stream = Stream {
        app: app(),
        protocol: Arc::clone(script) as Arc<dyn Protocol>,
        handler: Arc::new(|_| async { Verdict::accepted() }.boxed()),
        settings: Settings { connections, ..Settings::default() },
        observer: seen.observer(),
        clock: Arc::new(StillClock),
        random: Arc::new(Same(byte)),
    };
    let status = stream.start(&tracker, &stop);
    Running { stop, tracker, status, seen }
}

async fn finish(running: Running) {
    running.stop.cancel();
    running.tracker.close();
    timeout(10 * SECOND, running.tracker.wait()).await.expect("the links did not stop");
}

async fn until(running: &mut Running, wanted: impl FnMut(&Status) -> bool) -> Status {
    let reached = timeout(Duration::from_hours(1), running.status.wait_for(wanted)).await;
    reached.expect("the status was not reached").unwrap().clone()
}

fn busy() -> Dial {
    Dial::No(Refused::Retry { after: None, reason: "busy".to_owned() })
}

fn wrong() -> Dial {
    Dial::No(Refused::Misconfigured { reason: "wrong secret".to_owned() })
}

fn gaps(script: &Script) -> Vec<Duration> {
    script.made().windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// A peer that answers pings and nothing else.
fn keep(mut peer: Peer, tracker: &TaskTracker) {
    tracker.spawn(async move { while let Some(Ok(_)) = peer.next().await {} });
}

#[tokio::test(start_paused = true)]
async fn keeps_the_wanted_number_of_links_up() {
    let ((one, first), (two, second)) = (pair().await, pair().await);
    let script = Script::new([Dial::up(one), Dial::up(two)], || Dial::Hang);
    let mut running = start(&script, 2, 0x80);
    let peers = TaskTracker::new();
    keep(first, &peers);
    keep(second, &peers);
    let status = until(&mut running, |status| status.up == 2).await;
    assert!(status.last_connected_at.is_some() && !status.degraded && status.last_error.is_none());
    sleep(Duration::from_hours(1)).await;
    let status = running.status.borrow().clone();
    assert_eq!((status.up, status.wanted), (2, 2));
    assert!((700..=720).contains(&status.heartbeat_count), "{}", status.heartbeat_count);
    assert_eq!(script.made().len(), 2);
    assert_eq!(running.seen.count(|it| matches!(it, Observation::ReconnectAttempt)), 0);
    let status = running.status.clone();
    finish(running).await;
    assert_eq!(status.borrow().up, 0);
}

#[tokio::test(start_paused = true)]
async fn a_black_hole_is_replaced_within_30_seconds() {
    let ((dead, hole), (fresh, mut peer)) = (raw_pair(1 << 20).await, pair().await);
    let script = Script::new([Dial::up(dead), Dial::up(fresh)], || Dial::Hang);
    let begin = Instant::now();
    let mut running = start(&script, 1, 0xff);
    until(&mut running, |status| status.last_disconnected_at.is_some()).await;
    assert!(begin.elapsed() <= 25 * SECOND, "detected after {:?}", begin.elapsed());
    until(&mut running, |status| status.last_disconnected_at.is_some() && status.up == 1).await;
    assert!(begin.elapsed() <= 30 * SECOND, "replaced after {:?}", begin.elapsed());
    peer.send(words("event 1")).await.unwrap();
    let ack = loop {
        if let Some(word) = text(&peer.next().await.unwrap().unwrap()).filter(|word| word != "beat") {
            break word;
        }
    };
    assert_eq!(ack, "ack 1 200");
    assert_eq!(running.seen.count(|it| matches!(it, Observation::Disconnected { why: "silence" })), 1);
    assert_eq!(running.seen.count(|it| matches!(it, Observation::ReconnectSuccess)), 1);
    drop((hole, peer));
    finish(running).await;
}

/// Sends an event and waits for its ack.
async fn is_answered(peer: &mut Peer, id: &str) {
    peer.send(words(&format!("event {id}"))).await.unwrap();
    let wanted = format!("ack {id} 200");
    while text(&peer.next().await.unwrap().unwrap()).as_ref() != Some(&wanted) {}
}

#[tokio::test(start_paused = true)]
async fn a_link_that_will_end_is_read_to_its_end_beside_its_successor() {
    let ((old, mut leaver), (fresh, mut peer)) = (pair().await, pair().await);
    let script = Script::new([Dial::up(old), Dial::up(fresh)], || Dial::Hang);
    let mut running = start(&script, 1, 0xff);
    until(&mut running, |status| status.up == 1).await;
    sleep(STEADY).await;
    leaver.send(words("leaving")).await.unwrap();
    until(&mut running, |status| status.up == 2).await;
    is_answered(&mut leaver, "1").await;
    is_answered(&mut peer, "2").await;
    drop(leaver);
    until(&mut running, |status| status.up == 1).await;
    assert_eq!(script.made().len(), 2);
    is_answered(&mut peer, "3").await;
    drop(peer);
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_link_whose_announced_end_does_not_come_is_ended() {
    let ((old, mut leaver), (fresh, peer)) = (pair().await, pair().await);
    let script = Script::new([Dial::up(old), Dial::up(fresh)], || Dial::Hang);
    let mut running = start(&script, 1, 0xff);
    until(&mut running, |status| status.up == 1).await;
    sleep(STEADY).await;
    leaver.send(words("leaving")).await.unwrap();
    until(&mut running, |status| status.up == 2).await;
    let peers = TaskTracker::new();
    keep(leaver, &peers);
    keep(peer, &peers);
    sleep(50 * SECOND).await;
    assert_eq!(running.status.borrow().up, 2);
    sleep(20 * SECOND).await;
    assert_eq!((running.status.borrow().up, script.made().len()), (1, 2));
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_a_link_that_was_leaving_too() {
    let (old, mut leaver) = pair().await;
    let script = Script::new([Dial::up(old)], || Dial::Hang);
    let mut running = start(&script, 1, 0xff);
    until(&mut running, |status| status.up == 1).await;
    leaver.send(words("leaving")).await.unwrap();
    is_answered(&mut leaver, "1").await;
    let peers = TaskTracker::new();
    keep(leaver, &peers);
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn links_that_leave_at_once_are_not_replaced_in_a_loop() {
    let script = Script::new([], || {
        let (opened, mut peer) = pair().now_or_never().unwrap();
        TaskTracker::new().spawn(async move {
            peer.send(words("leaving")).await.unwrap();
            while let Some(Ok(_)) = peer.next().await {}
        });
        Dial::up(opened)
    });
    let running = start(&script, 1, 0xff);
    sleep(Duration::from_mins(10)).await;
    assert!(script.made().len() < 20, "{} dials in ten minutes", script.made().len());
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn waits_grow_to_a_minute() {
    let script = Script::new([], busy);
    let running = start(&script, 1, 0xff);
    sleep(Duration::from_mins(10)).await;
    let seconds: Vec<_> = gaps(&script).iter().map(|gap| (*gap + SECOND / 2).as_secs()).collect();
    assert_eq!(seconds[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn w29_a_refusal_for_ever_is_never_a_hot_loop() {
    // The jitter that makes the shortest waits, one in the middle, and the one that makes the longest.
    for (byte, most) in [(0x00, 4 * 3_600), (0x80, 150), (0xff, 70)] {
        let script = Script::new([], busy);
        let running = start(&script, 1, byte);
        sleep(Duration::from_hours(1)).await;
        let dials = script.made().len();
        assert!((50..=most).contains(&dials), "W29 {dials} dials in an hour with jitter {byte:#x}");
        assert!(gaps(&script).iter().all(|gap| *gap >= Pace::QUICK.floor), "W29");
        let status = running.status.borrow().clone();
        assert!(status.degraded && status.last_error.as_deref() == Some("busy"), "W29");
        assert_eq!(running.seen.count(|it| *it == Observation::Degraded(true)), 1, "W29 one alarm");
        finish(running).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_person_has_to_mend_is_retried_slowly_and_recovers() {
    let (opened, peer) = pair().await;
    let dials = std::iter::repeat_with(wrong).take(20).chain([Dial::up(opened)]);
    let script = Script::new(dials, || Dial::Hang);
    let mut running = start(&script, 1, 0x80);
    let peers = TaskTracker::new();
    keep(peer, &peers);
    let status = until(&mut running, |status| status.misconfigured).await;
    assert_eq!(status.last_error.as_deref(), Some("wrong secret"));
    let status = timeout(Duration::from_hours(3), running.status.wait_for(|status| status.up == 1)).await;
    let status = status.expect("it never recovered").unwrap().clone();
    assert!(!status.misconfigured && !status.degraded && status.reconnect_count == 0);
    let (shortest, longest) = (Duration::from_mins(1), Duration::from_mins(5));
    assert!(gaps(&script).iter().all(|gap| (shortest..=longest).contains(gap)), "{:?}", gaps(&script));
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn degraded_after_ten_failures_with_no_link_up_and_recovers() {
    let (opened, peer) = pair().await;
    let dials = std::iter::repeat_with(busy).take(12).chain([Dial::up(opened)]);
    let script = Script::new(dials, || Dial::Hang);
    let mut running = start(&script, 1, 0x80);
    let status = until(&mut running, |status| status.degraded).await;
    assert_eq!(status.reconnect_count, 10);
    let status = until(&mut running, |status| status.up == 1).await;
    assert!(!status.degraded);
    assert_eq!(running.seen.count(|it| *it == Observation::Degraded(false)), 1);
    assert_eq!(
        running.seen.count(|it| matches!(it, Observation::ReconnectFailure)),
        11,
        "the first dial is no reconnect"
    );
    assert_eq!(running.seen.count(|it| matches!(it, Observation::ReconnectAttempt)), 12);
    drop(peer);
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn not_degraded_while_another_link_is_up() {
    let (opened, peer) = pair().await;
    let script = Script::new([Dial::up(opened)], busy);
    let running = start(&script, 2, 0x80);
    let peers = TaskTracker::new();
    keep(peer, &peers);
    sleep(Duration::from_hours(1)).await;
    let status = running.status.borrow().clone();
    assert_eq!((status.up, status.degraded), (1, false));
    assert!(status.reconnect_count > 10);
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn links_that_break_at_once_are_not_a_hot_loop() {
    let mut dials = Vec::new();
    for _ in 0..2_000 {
        dials.push(Dial::up(pair().await.0));
    }
    let script = Script::new(dials, || Dial::Hang);
    let running = start(&script, 1, 0x80);
    sleep(Duration::from_hours(1)).await;
    let dials = script.made().len();
    assert!((50..=150).contains(&dials), "{dials} dials in an hour");
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_platform_asks_for_is_kept_within_bounds() {
    let pause = |secs| Dial::No(Refused::Retry { after: Some(Duration::from_secs(secs)), reason: "slow".to_owned() });
    let script = Script::new([pause(52), pause(1_000_000), busy()], || Dial::Hang);
    let running = start(&script, 1, 0);
    sleep(Duration::from_mins(30)).await;
    assert_eq!(gaps(&script)[..2], [52 * SECOND, MAX_PAUSE]);
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_defect_in_a_connection_does_not_end_the_link() {
    let ((broken, mut peer), (fresh, second)) = (pair().await, pair().await);
    let script = Script::new([Dial::up(broken), Dial::up(fresh)], || Dial::Hang);
    let mut running = start(&script, 1, 0x80);
    until(&mut running, |status| status.up == 1).await;
    peer.send(words("panic")).await.unwrap();
    until(&mut running, |status| status.up == 0).await;
    until(&mut running, |status| status.up == 1).await;
    assert_eq!(running.seen.count(|it| matches!(it, Observation::Disconnected { why: "panic" })), 1);
    drop(second);
    finish(running).await;
}

#[tokio::test(start_paused = true)]
async fn stops_at_once_while_dialling_or_waiting() {
    for then in [(|| Dial::Hang) as fn() -> Dial, busy, wrong] {
        let script = Script::new([], then);
        let running = start(&script, 2, 0xff);
        sleep(SECOND).await;
        let begin = Instant::now();
        finish(running).await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}
