//! The whole stream, from the endpoint call to the ack, against the sandbox: real sockets, no waiting but for conditions.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use cardkey_sandbox::feishu::stream::{
    Close, CloseWhen, CopyTo, Cut, Duplicate, FloodSpec, HexBytes, PartOrder, Raw, Split, Stream as Simulator,
    StreamFaults,
};
use cardkey_sandbox::{DEFAULT_APP_ID, DEFAULT_APP_SECRET, Options, Sandbox};
use futures_util::FutureExt as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::event::{Event, EventKind, Verdict};
use crate::domain::random::Random;
use crate::stream::supervisor::{Settings, Stream};

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_000)
    }
}

impl Random for Still {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// The stream of the default app, and the ids of what it handled.
struct Running {
    sandbox: Sandbox,
    simulator: Arc<Simulator>,
    stop: CancellationToken,
    tracker: TaskTracker,
    handled: Arc<Mutex<HashSet<String>>>,
}

fn protocol_for(sandbox: &Sandbox, trust_links: bool) -> FeishuProtocol {
    let mut protocol = protocol(&sandbox.base_url());
    protocol.endpoint.app = AppId::parse(DEFAULT_APP_ID).unwrap();
    protocol.endpoint.secret = Secret::new(DEFAULT_APP_SECRET.to_owned());
    protocol.renderer.toast = |_| json!({ "type": "info", "content": "ok" });
    if let Some(pem) = sandbox.ca_pem() {
        let ca = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
        protocol.endpoint.http = reqwest::Client::builder().no_proxy().add_root_certificate(ca).build().unwrap();
        protocol.tls = trusting(trust_links.then_some(pem));
    }
    protocol
}

fn trusting(pem: Option<&str>) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(pem) = pem {
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(tls.with_root_certificates(roots).with_no_client_auth())
}

async fn start(options: Options) -> Running {
    let sandbox = Sandbox::start(options).await.unwrap();
    let simulator = sandbox.feishu().stream(DEFAULT_APP_ID).unwrap();
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    let handled = Arc::new(Mutex::new(HashSet::new()));
    let ids = Arc::clone(&handled);
    let stream = Stream {
        app: AppId::parse(DEFAULT_APP_ID).unwrap(),
        protocol: Arc::new(protocol_for(&sandbox, true)),
        handler: Arc::new(move |event: Event| {
            ids.lock().unwrap().insert(event.id.as_str().to_owned());
            let tap = matches!(event.kind, EventKind::CardAction(_));
            let verdict = if tap { Verdict::toast(crate::domain::card::Toast::Continue) } else { Verdict::accepted() };
            std::future::ready(verdict).boxed()
        }),
        settings: Settings::default(),
        observer: Arc::new(|_| {}),
        clock: Arc::new(Still),
        random: Arc::new(Still),
    };
    let _status = stream.start(&tracker, &stop);
    in_time(simulator.wait_for_connections(2)).await;
    Running { sandbox, simulator, stop, tracker, handled }
}

impl Running {
    async fn push(&self, id: &str) {
        self.simulator.push_event(envelope(id, "im.message.receive_v1")).await;
        let acked = |entry: &_| cardkey_sandbox::feishu::stream::StreamLogEntry::accepted_event(entry) == Some(id);
        in_time(self.simulator.wait_for(|log| log.iter().any(acked).then_some(()))).await;
        assert!(self.handled.lock().unwrap().contains(id), "{id} was acknowledged and not handled");
    }

    async fn finish(self) {
        self.stop.cancel();
        self.tracker.close();
        in_time(self.tracker.wait()).await;
        in_time(self.simulator.wait_for_connections(0)).await;
        self.sandbox.stop().await;
    }
}

/// For what has to happen; how long it takes does not matter.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), work).await.expect("it did not happen")
}

fn envelope(id: &str, event_type: &str) -> Value {
    json!({
        "schema": "2.0",
        "header": { "event_id": id, "event_type": event_type, "app_id": DEFAULT_APP_ID, "create_time": "1795224049494" },
        "event": { "text": "你好 ".repeat(50) },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_acknowledged_and_taps_answered() {
    let running = start(Options::default()).await;
    running.push("e-1").await;
    let answer = in_time(running.simulator.callback(envelope("e-2", "card.action.trigger"))).await.unwrap();
    assert_eq!(answer, json!({ "toast": { "type": "info", "content": "ok" } }));
    running.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_survive_what_the_network_and_the_platform_do_to_them() {
    let running = start(Options { time_scale: 0.01, ..Options::default() }).await;
    let split = |order| Some(Split { parts: 5, order, drop: None, repeat: Some(1) });
    let garbage = vec![Raw::Binary { hex: HexBytes(vec![0xff; 40].into()) }, Raw::Text { text: "no frame".to_owned() }];
    let close = |when| Some(Close { code: 1001, reason: String::new(), when, times: Some(1) });
    let cut = |reset| Some(Cut { after_bytes: 30, reset, times: Some(1) });
    let duplicate = Some(Duplicate { copies: 3, to: CopyTo::Other });
    for (name, faults) in [
        ("split", StreamFaults { split: split(PartOrder::Forward), ..StreamFaults::default() }),
        ("split-reversed", StreamFaults { split: split(PartOrder::Reversed), ..StreamFaults::default() }),
        ("duplicate", StreamFaults { duplicate, ..StreamFaults::default() }),
        ("garbage", StreamFaults { garbage, ..StreamFaults::default() }),
        ("card-frame", StreamFaults { frame_type: Some("card".to_owned()), ..StreamFaults::default() }),
        ("no-trace", StreamFaults { omit_headers: vec!["trace_id".to_owned()], ..StreamFaults::default() }),
        ("cut", StreamFaults { cut: cut(false), ..StreamFaults::default() }),
        ("reset", StreamFaults { cut: cut(true), ..StreamFaults::default() }),
        ("close-instead", StreamFaults { close: close(CloseWhen::InsteadOfEvent), ..StreamFaults::default() }),
        ("close-after", StreamFaults { close: close(CloseWhen::AfterEvent), ..StreamFaults::default() }),
        ("close-now", StreamFaults { close: close(CloseWhen::Now), ..StreamFaults::default() }),
    ] {
        running.simulator.set_faults(faults);
        running.push(name).await;
        running.simulator.set_faults(StreamFaults::default());
        in_time(running.simulator.wait_for_connections(2)).await;
    }
    running.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_loses_nothing() {
    let running = start(Options::default()).await;
    let spec = FloodSpec { events: Some(10_000), seconds: 120.0, duplicates_permille: 10, ..FloodSpec::default() };
    let report = running.simulator.flood(spec).await;
    assert_eq!((report.sent, report.acked, report.ack_errors), (10_000, 10_000, 0));
    assert_eq!(running.handled.lock().unwrap().len() as u64, report.sent - report.duplicates);
    running.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_encrypted_to_a_host_that_we_trust() {
    let running = start(Options { tls: true, ..Options::default() }).await;
    running.push("e-1").await;
    let distrusting = protocol_for(&running.sandbox, false);
    let Err(refused) = distrusting.open().await else { panic!("a link was opened") };
    assert!(refused.to_string().contains("certificate"), "{refused}");
    running.finish().await;
}
