//! The stream is lost, the administrator sends events by webhook, the stream comes back: events flow the whole time, each is
//! handled once, and at each step readiness, metrics and logs say how they come.

use std::cell::Cell;

use cardkey_sandbox::ALICE;
use cardkey_sandbox::feishu::stream::{Close, CloseWhen, RefuseEndpoint, StreamFaults};
use serde_json::{Value, json};

use super::{READ, envelope};
use crate::harness::{APP, Setup, World};

/// Events that are pushed on and on, with numbers.
#[derive(Default)]
struct Flow(Cell<usize>);

impl Flow {
    /// Pushes ten more while something else happens.
    async fn during<T>(&self, world: &World, step: impl Future<Output = T>) -> T {
        let pushed = async {
            for _ in 0..10 {
                let number = self.0.replace(self.0.get() + 1);
                world.push(&envelope(&format!("flow-{number}"))).await;
            }
        };
        tokio::join!(step, pushed).0
    }

    /// Waits until all that were pushed so far are taken; none was handled twice.
    async fn all_arrived(&self, world: &World, besides: u64) {
        for number in 0..self.0.get() {
            world.acknowledged(&format!("flow-{number}"), 1).await;
        }
        assert_eq!(world.events("new").await, u64::try_from(self.0.get()).unwrap() + besides);
    }
}

fn cut_off() -> StreamFaults {
    let refuse = RefuseEndpoint { code: 1, msg: "away".to_owned(), times: None };
    let close = Close { code: 1001, reason: String::new(), when: CloseWhen::Now, times: None };
    StreamFaults { refuse_endpoint: Some(refuse), close: Some(close), ..StreamFaults::default() }
}

/// An app that is given up after one dial, and a platform that redelivers after three quarters of a second.
fn setup() -> Setup {
    let mut setup = Setup::webhook().variable("WEBSOCKET_MAX_RECONNECT_RETRIES", "1");
    setup.sandbox.time_scale = 0.05;
    setup
}

/// Waits until the app counts as degraded, or not any more, and the fallback with it.
async fn degraded(world: &World, degraded: bool, fallback: bool) {
    let value = |on: bool| if on { 1.0 } else { 0.0 };
    world.metric_becomes(&format!("cardkey_stream_degraded{{app_id=\"{APP}\"}}"), value(degraded)).await;
    world.metric_becomes(&format!("cardkey_webhook_fallback{{app_id=\"{APP}\"}}"), value(fallback)).await;
}

/// Readiness: its word, and the app's stream and way of events.
async fn ready(world: &World) -> (Value, Value, Value) {
    let reply = world.get("/readyz").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let readiness = reply.json();
    let app = &readiness["apps"][0];
    (readiness["status"].clone(), app["stream"].clone(), app["events"].clone())
}

fn words(status: &str, stream: &str, events: &str) -> (Value, Value, Value) {
    (json!(status), json!(stream), json!(events))
}

#[tokio::test]
async fn events_flow_while_the_way_is_changed_twice() {
    let world = World::with_binary(setup()).await;
    let (process, flow) = (world.start_process().await, Flow::default());
    flow.during(&world, world.readiness_is("ok")).await;
    flow.all_arrived(&world, 0).await;
    assert_eq!(ready(&world).await, words("ok", "up", "stream"));
    assert_eq!(world.get("/readyz").await.json()["apps"][0]["webhook"], json!({ "last_at": null }));

    // The stream is lost. What happens now waits at the platform.
    world.stream().set_faults(cut_off());
    flow.during(&world, degraded(&world, true, true)).await;
    process.logs("events are counted on by webhook").await;
    assert_eq!(ready(&world).await, words("ok", "degraded", "webhook"));

    // The administrator sends it here by webhook.
    flow.during(&world, world.deliver_by_webhook()).await;
    flow.all_arrived(&world, 0).await;
    assert!(world.get("/readyz").await.json()["apps"][0]["webhook"]["last_at"].is_string());
    world.ask(READ).await;
    let card = world.card_turns(ALICE, "blue").await;
    let answer = flow.during(&world, world.tap(ALICE, &card, "reject")).await;
    assert!(answer["error"].is_null(), "{answer}");
    flow.all_arrived(&world, 1).await;
    assert_eq!(ready(&world).await, words("ok", "degraded", "webhook"));

    // The stream is back, and is counted on. What comes by webhook is taken all the same.
    world.stream().set_faults(StreamFaults::default());
    flow.during(&world, degraded(&world, false, false)).await;
    process.logs("events are counted on over the stream again").await;
    assert_eq!(ready(&world).await, words("ok", "up", "stream"));
    flow.all_arrived(&world, 1).await;
    let by_webhook = world.webhook_requests("accepted").await;
    assert!(by_webhook >= 31, "{by_webhook}");

    // The administrator changes it back.
    flow.during(&world, world.deliver_by_stream()).await;
    flow.during(&world, async {}).await;
    flow.all_arrived(&world, 1).await;
    assert_eq!(world.events("failed").await, 0);
    process.stop().await;
    world.end().await;
}

#[tokio::test]
async fn websocket_fallback_to_http_is_whether_the_webhook_is_counted_on() {
    let without_key = Setup::default().variable("WEBSOCKET_MAX_RECONNECT_RETRIES", "1");
    for (name, setup) in [
        ("switched off", setup().variable("WEBSOCKET_FALLBACK_TO_HTTP", "false")),
        ("without an encrypt key", without_key),
    ] {
        let world = World::with(setup).await;
        world.links(2).await;
        world.stream().set_faults(cut_off());
        degraded(&world, true, false).await;
        assert_eq!(ready(&world).await, words("degraded", "degraded", "none"), "{name}");
        if name == "switched off" {
            world.deliver_by_webhook().await;
            world.push(&envelope("event")).await;
            world.acknowledged("event", 1).await;
            assert_eq!(world.events("new").await, 1, "webhooks are taken all the same");
        }
        world.end().await;
    }
}
