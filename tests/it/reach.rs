//! A token endpoint that cannot be reached, though everything else of the platform can.

use std::net::SocketAddr;
use std::time::Duration;

use cardkey_sandbox::journal::Entry;
use cardkey_sandbox::{ALICE, BOB, CAROL};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::harness::{APP, World};

const READ: &[&str] = &["apaas:app:read"];

/// Most of an access token's life.
const NEARLY_OVER: Duration = Duration::from_secs(5_800);

/// The first pause and a little.
const A_PAUSE: Duration = Duration::from_secs(6);

fn refresh(entry: &Entry) -> bool {
    entry.call.grant_type.as_deref() == Some("refresh_token")
}

/// Puts a way to the sandbox at this address, as long as what is returned lives.
async fn way(listen: SocketAddr, sandbox: SocketAddr) -> JoinSet<()> {
    let listener = TcpListener::bind(listen).await.unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut here, _)) = listener.accept().await {
            let mut there = TcpStream::connect(sandbox).await.unwrap();
            connections.spawn(async move { tokio::io::copy_bidirectional(&mut here, &mut there).await });
        }
    });
    serving
}

/// Three people have granted; from now on the token endpoint is to be had at an address where nobody listens.
async fn three_people_and_no_way() -> (World, SocketAddr) {
    let mut world = World::new().await;
    for person in [ALICE, BOB, CAROL] {
        let (_, link) = world.link(person, READ).await;
        assert_eq!(world.visit(&link, person, "allow").await.mood(), "good");
        assert_eq!(world.ask_for(person, READ, &serde_json::json!({})).await.status, 200);
    }
    let nowhere = SocketAddr::from((world.ip, 9_101));
    world.setup = world.setup.variable("CARDKEY_APP__ACCOUNTS_URL", &format!("http://{nowhere}"));
    world.restart_gateway().await;
    world.advance(NEARLY_OVER).await;
    (world, nowhere)
}

impl World {
    /// Runs what is due to its end; how many refreshes that were.
    async fn tried(&self) -> usize {
        let started = self.gateway().grants.run_refreshes(self.now()).await.unwrap();
        self.metric_becomes(&format!("cardkey_refresh_in_flight{{app_id=\"{APP}\"}}"), 0.0).await;
        self.until(async || self.gateway().grants.under_way() == 0).await;
        started
    }

    async fn outcomes(&self, outcome: &str) -> u64 {
        self.count(&format!("cardkey_token_refresh_total{{app_id=\"{APP}\",outcome=\"{outcome}\"}}")).await
    }
}

#[tokio::test]
async fn it_costs_no_token_no_doubt_and_no_flood_and_all_follow_the_first_that_comes_through() {
    let (world, nowhere) = three_people_and_no_way().await;
    assert_eq!(world.tried().await, 3, "nobody knows yet");
    assert_eq!(world.tried().await, 0);
    world.advance(A_PAUSE).await;
    assert_eq!(world.tried().await, 1, "one goes first");
    world.advance(A_PAUSE).await;
    assert_eq!(world.tried().await, 0, "the next pause is longer");
    assert_eq!((world.outcomes("unavailable").await, world.outcomes("unclear").await), (4, 0));
    assert!(world.sandbox.feishu().journal.read(0, refresh).is_empty(), "no token was sent");

    let sandbox = SocketAddr::from((world.ip, 9_100));
    let _way = way(nowhere, sandbox).await;
    world.advance(A_PAUSE).await;
    assert_eq!(world.tried().await, 1);
    assert_eq!(world.tried().await, 2, "the others follow");
    let generations: Vec<_> = world.grants().await.iter().map(|grant| grant["generation"].clone()).collect();
    assert_eq!(generations, [2, 2, 2]);
    world.end().await;
}

#[tokio::test]
async fn a_caller_that_needs_a_token_tries_all_the_same() {
    let (world, nowhere) = three_people_and_no_way().await;
    world.tried().await;
    let sandbox = SocketAddr::from((world.ip, 9_100));
    let _way = way(nowhere, sandbox).await;
    world.advance(Duration::from_mins(25)).await;
    assert_eq!(world.ask(READ).await.status, 200);
    world.end().await;
}
