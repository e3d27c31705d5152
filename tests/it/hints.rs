//! Hints between two gateways through a real Redis: they go through, and whatever happens to the server, everything goes on
//! without them (chaos 58).

use cardkey::app::Gateway;
use cardkey_engines::{Engine, Redis};
use cardkey_sandbox::{ALICE, BOB, CAROL};

use crate::harness::{Setup, World, on};
use crate::replicas::{SOON, decided_elsewhere};

const READ: &[&str] = &["apaas:app:read"];

const CONNECTED: &str = "cardkey_hints_connected";

/// Two gateways that are connected to the server.
async fn two(redis: &Redis, setup: Setup) -> (World, Gateway) {
    let world = World::with(setup.variable("REDIS_URL", &redis.url())).await;
    let other = world.another_gateway().await;
    both_become(&world, &other, CONNECTED, 1.0).await;
    (world, other)
}

/// The value of a series of this gateway.
async fn at(world: &World, gateway: &Gateway, series: &str) -> f64 {
    let text = world.send(world.http.get(format!("http://{}/metrics", gateway.metrics))).await.text;
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
    value.unwrap_or_default()
}

async fn both_become(world: &World, other: &Gateway, series: &str, wanted: f64) {
    for gateway in [world.gateway(), other] {
        world.until(async || (at(world, gateway, series).await - wanted).abs() < f64::EPSILON).await;
    }
}

async fn over(world: World, other: Gateway) {
    other.stop().await;
    world.end().await;
}

async fn hints_go_from_one_gateway_to_the_other() {
    let redis = Redis::start();
    let (world, other) = two(&redis, Setup::default()).await;
    assert!(decided_elsewhere(&world, &other, ALICE).await < SOON);
    world.until(async || at(&world, world.gateway(), "cardkey_hints_published_total").await >= 1.0).await;
    world.until(async || at(&world, &other, "cardkey_hints_received_total").await >= 1.0).await;
    assert_eq!(redis.run(&["FLUSHALL"]).trim(), "OK");
    assert_eq!(redis.run(&["PUBLISH", "cardkey:hints:1", "a word of somebody else"]).trim(), "2");
    assert!(decided_elsewhere(&world, &other, BOB).await < SOON, "nothing was kept there");
    both_become(&world, &other, CONNECTED, 1.0).await;
    assert_eq!(redis.run(&["DBSIZE"]).trim(), "0", "nothing is kept there");
    over(world, other).await;
}

on_each_server!(hints_go_from_one_gateway_to_the_other);

#[tokio::test]
async fn a_server_with_tls_is_trusted_by_its_authority_alone() {
    on(Engine::Postgres, async {
        let redis = Redis::start_with_tls();
        let authority = redis.authority().unwrap().display().to_string();
        let (world, other) = two(&redis, Setup::default().variable("CARDKEY_REDIS__CA_FILE", &authority)).await;
        over(world, other).await;

        let world = World::with(Setup::default().variable("REDIS_URL", &redis.url())).await;
        world.until(async || world.told_of_loss(&redis) == 1).await;
        assert!(at(&world, world.gateway(), CONNECTED).await < 0.5, "the Web PKI did not sign it");
        world.end().await;
    })
    .await;
}

impl World {
    /// How often the log tells of the loss of this server.
    #[expect(clippy::unused_self, reason = "the log of this world, as far as the server is this world's own")]
    fn told_of_loss(&self, redis: &Redis) -> usize {
        crate::harness::count_lines("no hints from the other replicas", &redis.address())
    }
}

#[tokio::test]
async fn without_the_server_everything_goes_on_and_with_it_the_hints_are_back() {
    on(Engine::Postgres, async {
        let mut redis = Redis::start();
        let (world, other) = two(&redis, Setup::default()).await;
        redis.kill();
        both_become(&world, &other, CONNECTED, 0.0).await;
        assert!(decided_elsewhere(&world, &other, ALICE).await < SOON);
        assert!(at(&world, world.gateway(), "cardkey_hints_dropped_total").await >= 1.0);
        redis.restart();
        both_become(&world, &other, CONNECTED, 1.0).await;
        assert_eq!(world.told_of_loss(&redis), 2, "once for each gateway, however often it tried");
        assert!(decided_elsewhere(&world, &other, BOB).await < SOON);
        world.until(async || at(&world, &other, "cardkey_hints_received_total").await >= 1.0).await;
        over(world, other).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_slow_or_cut_off_keeps_nobody_waiting() {
    on(Engine::Postgres, async {
        let redis = Redis::start();
        let (world, other) = two(&redis, Setup::default()).await;
        assert_eq!(redis.run(&["CLIENT", "PAUSE", "2000", "ALL"]).trim(), "OK");
        assert!(decided_elsewhere(&world, &other, ALICE).await < SOON, "slow");
        redis.cut_off();
        assert!(decided_elsewhere(&world, &other, BOB).await < SOON, "cut off, and not known to be");
        both_become(&world, &other, CONNECTED, 0.0).await;
        assert!(decided_elsewhere(&world, &other, CAROL).await < SOON, "cut off");
        redis.reconnect();
        both_become(&world, &other, CONNECTED, 1.0).await;
        over(world, other).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_forbids_it_is_away_and_the_log_says_so_once() {
    on(Engine::Postgres, async {
        let redis = Redis::start();
        let acl = ["ACL", "SETUSER", "default", "-publish"];
        assert_eq!(redis.run(&acl).trim(), "OK");
        let world = World::with(Setup::default().variable("REDIS_URL", &redis.url())).await;
        world.until(async || world.told_of_loss(&redis) == 1).await;
        world.granted(READ).await;
        world.until(async || at(&world, world.gateway(), "cardkey_hints_dropped_total").await >= 1.0).await;
        assert_eq!(world.told_of_loss(&redis), 1);
        assert_eq!(redis.run(&["ACL", "SETUSER", "default", "+publish"]).trim(), "OK");
        world.until(async || at(&world, world.gateway(), CONNECTED).await > 0.5).await;
        world.end().await;
    })
    .await;
}

#[tokio::test]
async fn check_config_refuses_a_server_that_is_none() {
    let world = World::with_binary(Setup::default()).await;
    let config = world.config_path();
    let mut command = world.command(&["check-config", "--demo", "--config", config.to_str().unwrap()]);
    command.env("REDIS_URL", "redis://:a-CANARY-password@host:port");
    let refused = world.finish(command).await;
    assert_eq!(refused.status.code(), Some(3));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("redis.url"), "{said}");
    world.end().await;
}
