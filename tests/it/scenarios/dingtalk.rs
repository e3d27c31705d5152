//! DingTalk as a stage.

use std::sync::Arc;
use std::time::Duration;

use cardkey_sandbox::dingtalk::stream::{AckOutcome, Stream, StreamFaults, StreamLogEntry, StreamLogKind};
use cardkey_sandbox::websocket::trouble::{Close, CloseWhen, CopyTo, Duplicate};
use serde_json::json;

use super::stage::Stage;
use crate::harness::{Setup, World};

/// Longer than an access token lives.
const OVER: Duration = Duration::from_secs(7_300);

pub(super) struct DingTalk;

fn stream(world: &World) -> Arc<Stream> {
    world.sandbox.dingtalk().stream(world.app()).unwrap()
}

async fn logged(world: &World, count: usize, is_it: impl Fn(&StreamLogKind) -> bool) {
    let found = |log: &[StreamLogEntry]| log.iter().filter(|entry| is_it(&entry.what)).count() >= count;
    stream(world).wait_for(|log| found(log).then_some(())).await;
}

impl Stage for DingTalk {
    const NAME: &'static str = "DingTalk";
    const SCOPES: &'static [&'static str] = &["Contact.User.Read"];
    const ENDS_TOKENS: bool = false;

    fn setup() -> Setup {
        Setup::dingtalk()
    }

    async fn links(world: &World, count: usize) {
        logged(world, count, |what| matches!(what, StreamLogKind::Connected { .. })).await;
    }

    async fn cut(world: &World) {
        let close = Close { code: 1001, reason: String::new(), when: CloseWhen::Now, times: None };
        stream(world).set_faults(StreamFaults { close: Some(close), ..StreamFaults::default() });
    }

    async fn repeat(world: &World, copies: u32) {
        let duplicate = Some(Duplicate { copies, to: CopyTo::Other });
        stream(world).set_faults(StreamFaults { duplicate, ..StreamFaults::default() });
    }

    async fn push(world: &World, event: &str) {
        stream(world).push_event(event, "user_modify_org", &json!({ "userId": [] }));
    }

    async fn acknowledged(world: &World, event: &str, times: usize) {
        let taken = |what: &StreamLogKind| {
            let outcome = match what {
                StreamLogKind::Ack { id, outcome, .. } if id == event => outcome,
                _ => return false,
            };
            matches!(outcome, AckOutcome::Settled | AckOutcome::Repeated)
        };
        logged(world, times, taken).await;
    }

    async fn take_back(world: &World, person: &str) -> &'static str {
        world.control("revoke", &json!({ "open_id": person })).await;
        world.advance(OVER).await;
        "found out by refreshing"
    }
}
