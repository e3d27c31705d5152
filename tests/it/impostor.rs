//! Somebody else at the platform's address: a certificate that the app's CA did not sign is told nothing.

use std::net::SocketAddr;

use serde_json::json;

use crate::harness::{Setup, World};

const READ: &[&str] = &["apaas:app:read"];

#[tokio::test]
async fn another_authoritys_certificate_is_refused_before_anything_is_sent() {
    let mut world = World::with(Setup::tls().variable("WEBSOCKET_MAX_RECONNECT_RETRIES", "1")).await;
    world.granted(READ).await;
    let grant = world.get("/v1/grants").await.json()["grants"][0]["id"].as_str().unwrap().to_owned();

    // The same kind of server with an authority of its own; the gateway goes on trusting the first one's.
    let impostor = World::sandbox(&world.setup, SocketAddr::from((world.ip, 9200))).await;
    let genuine = std::mem::replace(&mut world.sandbox, impostor);
    assert_ne!(genuine.ca_pem(), world.sandbox.ca_pem());
    world.restart_gateway().await;

    let readiness = world.readiness_is("degraded").await;
    assert_eq!(readiness["apps"][0]["stream"], "degraded", "{readiness}");
    assert_eq!(readiness["apps"][0]["links"], 0, "{readiness}");
    assert_eq!(world.ask(READ).await.status, 200, "what is stored is served");
    let asked = world.ask(&["apaas:workspace:read"]).await;
    assert_eq!(
        (asked.status, asked.json()["auth_session"]["status"].as_str()),
        (202, Some("pending")),
        "{}",
        asked.text
    );
    let url = world.url(&format!("/v1/grants/{grant}"));
    let revoked = world.send(world.http.delete(url).bearer_auth(&world.key)).await;
    assert_eq!(revoked.status, 503, "the platform cannot be told: {}", revoked.text);

    assert_eq!(world.look("log").await, json!([]), "no request, so no secret and no token, reached the impostor");
    assert_eq!(world.stream().connections(), 0);
    world.sandbox = genuine;
    world.end().await;
}
