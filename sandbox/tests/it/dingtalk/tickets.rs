//! Who may connect.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use super::client::{Client, OPEN, open_body, subscriptions};
use crate::bench::Bench;

fn status(result: Result<Client, Error>) -> u16 {
    match result {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => 101,
    }
}

#[tokio::test]
async fn a_wrong_secret_is_refused_as_the_platform_does() {
    let bench = Bench::new().await;
    for (name, wrong) in [("clientSecret", "x"), ("clientId", "dingnobody")] {
        let mut body = open_body(&subscriptions());
        body[name] = json!(wrong);
        let (status, answer) = bench.post(OPEN, "", &body).await;
        assert_eq!((status, &answer["code"], &answer["message"]), (401, &json!("authFailed"), &json!("鉴权失败")));
        assert!(answer["requestid"].is_string());
    }
}

#[tokio::test]
async fn what_the_official_clients_subscribe_to_is_taken() {
    let bench = Bench::new().await;
    let golden: Value =
        serde_json::from_str(include_str!("../../fixtures/dingtalk/golden-dingtalk-frames.json")).unwrap();
    for sdk in ["python", "node", "go"] {
        let mut body = golden["connections_open"][sdk]["body"].clone();
        body["clientId"] = open_body(&Value::Null)["clientId"].clone();
        body["clientSecret"] = open_body(&Value::Null)["clientSecret"].clone();
        let (status, answer) = bench.post(OPEN, "", &body).await;
        assert_eq!(status, 200, "{sdk}: {answer}");
        let endpoint = url::Url::parse(answer["endpoint"].as_str().unwrap()).unwrap();
        assert_eq!(
            (endpoint.scheme(), endpoint.path(), endpoint.port()),
            ("ws", "/connect", Some(bench.ding().address().port()))
        );
        let ticket = answer["ticket"].as_str().unwrap();
        assert!(ticket.chars().all(|one| one.is_ascii_alphanumeric() || one == '-'), "{ticket}");
    }
    for wrong in
        [json!([{"type": "EVENT", "topic": "user_add_org"}]), json!([{"type": "X", "topic": "*"}]), json!(null)]
    {
        assert_eq!(bench.post(OPEN, "", &open_body(&wrong)).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_ticket_opens_one_connection_within_ninety_seconds() {
    let bench = Bench::new().await;
    bench.sandbox.dingtalk().clock.freeze(true);
    let address = Client::address(&bench, &subscriptions()).await;
    assert_eq!(status(Client::dial(&address.replace("/connect", "/elsewhere")).await), 404);
    assert_eq!(status(Client::dial(&address).await), 101);
    assert_eq!(status(Client::dial(&address).await), 400);
    let stale = Client::address(&bench, &subscriptions()).await;
    bench.advance(90_000).await;
    assert_eq!(status(Client::dial(&stale).await), 400);
    let log = serde_json::to_string(&bench.ding().log()).unwrap();
    assert!(!log.contains(address.split('=').next_back().unwrap()), "the log holds a ticket");
}

#[tokio::test]
async fn a_storm_of_opens_is_survived() {
    let bench = Bench::new().await;
    bench.ding_control("/stream/faults", &json!({"refuse_handshake": {"status": 400}})).await;
    let first = Client::address(&bench, &subscriptions()).await;
    for _ in 0..5_000 {
        bench.ding().open(cardkey_sandbox::dingtalk::stream::Subscriptions::default()).unwrap();
    }
    bench.ding_control("/stream/faults", &json!({})).await;
    assert_eq!(status(Client::dial(&first).await), 400, "the oldest tickets are forgotten");
    Client::connect(&bench).await;
}
