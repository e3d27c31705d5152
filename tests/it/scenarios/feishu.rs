//! Feishu as a stage.

use std::time::Duration;

use cardkey_sandbox::feishu::stream::{Close, CloseWhen, CopyTo, Duplicate, StreamFaults};
use serde_json::json;

use super::stage::Stage;
use crate::harness::{Setup, World};

pub(super) struct Feishu;

impl Stage for Feishu {
    const NAME: &'static str = "Feishu";
    const SCOPES: &'static [&'static str] = &["apaas:app:read"];
    const ENDS_TOKENS: bool = true;

    fn setup() -> Setup {
        Setup::default()
    }

    async fn links(world: &World, count: usize) {
        world.links(count).await;
    }

    async fn cut(world: &World) {
        let close = Close { code: 1001, reason: String::new(), when: CloseWhen::Now, times: None };
        world.stream().set_faults(StreamFaults { close: Some(close), ..StreamFaults::default() });
    }

    async fn repeat(world: &World, copies: u32) {
        let duplicate = Some(Duplicate { copies, to: CopyTo::Other });
        world.stream().set_faults(StreamFaults { duplicate, ..StreamFaults::default() });
    }

    async fn push(world: &World, event: &str) {
        world.push(&World::envelope(event, "im.message.receive_v1")).await;
    }

    async fn acknowledged(world: &World, event: &str, times: usize) {
        world.acknowledged(event, times).await;
    }

    async fn take_back(world: &World, person: &str) -> &'static str {
        world.advance(Duration::from_secs(1)).await;
        let told = world.control("revoke", &json!({ "open_id": person })).await;
        world.acknowledged(told["event_id"].as_str().unwrap(), 1).await;
        "told by an event"
    }
}
