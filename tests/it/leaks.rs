//! The leak scan finds what it is there to find. (Every other test runs it at its end.)

use cardkey_engines::Engine;

use crate::harness::{DUMP, World, on};

#[tokio::test]
async fn the_scan_finds_a_canary_planted_in_each_place() {
    let world = World::new().await;
    let token = world.granted(&["apaas:app:read"]).await.json()["access_token"].as_str().unwrap().to_owned();
    assert!(world.secrets().contains(&token), "the scan knows the very token that the caller was given");

    tracing::info!("planted: {token}");
    world.seen.lock().unwrap().push(format!("planted: {token}"));
    std::fs::write(world.directory.path().join("planted.txt"), &token).unwrap();

    let places = world.places().await;
    let found = crate::harness::scan(&places, &[token]);
    let mut names: Vec<_> = found.iter().map(|leak| leak.place.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["an answer", "planted.txt", "the log"]);
}

#[tokio::test]
async fn the_database_holds_no_secret_but_the_scan_reads_it() {
    reads("cardkey.db").await;
}

#[tokio::test]
async fn a_servers_database_is_read_too() {
    for engine in [Engine::Postgres, Engine::MariaDb] {
        on(engine, reads(DUMP)).await;
    }
}

async fn reads(place: &str) {
    let world = World::new().await;
    world.granted(&["apaas:app:read"]).await;
    let places = world.places().await;
    let database: Vec<u8> =
        places.iter().filter(|(name, _)| name.starts_with(place)).flat_map(|(_, b)| b.clone()).collect();
    let text = String::from_utf8_lossy(&database);
    assert!(text.contains(cardkey_sandbox::ALICE), "what is not secret is found in what is scanned");
    world.end().await;
}
