//! What takes its real time: the real binary with its default settings, and the real clock. Ignored in `make test`, where
//! the same is shown on paused time (`stream/connection/tests.rs`, `stream/supervisor/tests.rs`); run by `make test-long`.

use std::time::Duration;

use cardkey_sandbox::feishu::stream::{BlackHole, StreamFaults};
use tokio::time::Instant;

use crate::harness::{Process, Setup, World};

/// Within this a dead link is found out.
const DETECTED: Duration = Duration::from_secs(25);
/// Within this another is up in its place.
const REPLACED: Duration = Duration::from_secs(30);

/// Lets a link, or all that are open, fall silent; the seconds until it was found out and until another was up.
async fn silenced(world: &World, process: &Process, link: Option<u64>, links: usize) -> (Duration, Duration) {
    let (down, up) = (process.count("stream link is down"), world.links_opened());
    let since = Instant::now();
    let hole = BlackHole { connection: link, new: false };
    world.stream().set_faults(StreamFaults { black_hole: Some(hole), ..StreamFaults::default() });
    process.logs_times("stream link is down", down + links).await;
    let detected = since.elapsed();
    world.stream().set_faults(StreamFaults::default());
    world.links(up + links).await;
    (detected, since.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes its real time: make test-long"]
async fn a_link_that_falls_silent_is_found_out_and_replaced() {
    let world = World::with_binary(Setup::default()).await;
    let process = world.start_process().await;
    for (name, link, links) in [("one of two links", Some(1), 1), ("both links", None, 2)] {
        let (detected, replaced) = silenced(&world, &process, link, links).await;
        println!(
            "{name}: detected after {:.1} s, replaced after {:.1} s",
            detected.as_secs_f64(),
            replaced.as_secs_f64()
        );
        assert!(detected <= DETECTED, "{name}: {detected:?}");
        assert!(replaced <= REPLACED, "{name}: {replaced:?}");
        world.push(&World::envelope(name, "im.message.receive_v1")).await;
        world.acknowledged(name, 1).await;
    }
    process.stop().await;
    world.end().await;
}

#[test]
#[ignore = "ten million encryptions take minutes"]
fn e9_no_nonce_repeats_in_ten_million() {
    assert_eq!(crate::nonces::distinct(10_000_000), 10_000_000);
}
