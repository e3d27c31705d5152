//! The sandbox is taken for the real platform by the platform's own client: the official Python SDK, unchanged, driven by
//! `tests/conformance/feishu_client.py`.

use std::path::Path;
use std::process::{Command, Output};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cardkey_sandbox::{ALICE, DEFAULT_APP_ID, DEFAULT_APP_SECRET, Options, Sandbox};
use serde_json::{Value, json};

use crate::harness::{Setup, World, finish};

const REDIRECT_URI: &str = "https://caller.example/callback";
const VERIFIER: &str = "a-verifier-of-more-than-forty-three-characters-0123456789";

/// A sandbox that pushes a message and a card click to every connection by itself. It is on 127.0.0.1, since the client
/// talks plain HTTP to no other address.
async fn pushing() -> World {
    let mut world = World::without_gateway(Setup::default()).await;
    world.sandbox = Sandbox::start(Options { auto_push: true, ..Options::default() }).await.unwrap();
    world
}

/// Runs the client against the sandbox; gives what it reported, line by line.
async fn client(world: &World, more: &[(&str, &str)]) -> Vec<Value> {
    let base_url = world.sandbox.base_url();
    let app = [("BASE_URL", base_url.as_str()), ("APP_ID", DEFAULT_APP_ID), ("APP_SECRET", DEFAULT_APP_SECRET)];
    official("feishu_client.py", &[&app, more].concat()).await
}

/// Runs a script of `tests/conformance` with these variables and no others; it must end well. Gives its report, line by line.
pub(crate) async fn official(script: &str, variables: &[(&str, &str)]) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: run scripts/set-up.sh", python.display());
    let mut command = Command::new(python);
    command.arg(root.join("tests/conformance").join(script)).env_clear().envs(variables.iter().copied());
    let Output { status, stdout, stderr } = finish(command).await;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(0), "{stdout}\n{stderr}");
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every check of this name passed.
fn passed(report: &[Value], check: &str) -> bool {
    let mut of_check = report.iter().filter(|line| line["check"] == check).peekable();
    of_check.peek().is_some() && of_check.all(|line| line["ok"] == true)
}

#[tokio::test]
async fn the_official_client_receives_events() {
    let world = pushing().await;
    let report = client(&world, &[("N_EVENTS", "2")]).await;
    for event in ["im.message.receive_v1", "card.action.trigger"] {
        assert!(report.iter().any(|line| line["event"] == event), "{event}: {report:?}");
    }
    world.end().await;
}

#[tokio::test]
async fn the_official_client_sends_a_card() {
    let world = pushing().await;
    let report = client(&world, &[("N_EVENTS", "0"), ("CHECK_API", "1"), ("RECEIVE_ID", ALICE)]).await;
    assert!(passed(&report, "im.v1.message.create"), "{report:?}");
    assert_eq!(world.messages(ALICE).await.len(), 1, "the card is in the chat");
    world.end().await;
}

#[tokio::test]
async fn the_official_client_spends_a_code_and_rotates_a_refresh_token() {
    let world = pushing().await;
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
    let asked = json!({
        "open_id": ALICE, "redirect_uri": REDIRECT_URI, "scope": "offline_access contact:user.base:readonly",
        "code_challenge": challenge, "code_challenge_method": "S256",
    });
    let code = world.control("code", &asked).await["code"].as_str().unwrap().to_owned();
    let variables = [
        ("N_EVENTS", "0"),
        ("CHECK_OAUTH", "1"),
        ("CODE", code.as_str()),
        ("REDIRECT_URI", REDIRECT_URI),
        ("CODE_VERIFIER", VERIFIER),
    ];
    let report = client(&world, &variables).await;
    for check in ["oauth v3 code", "oauth v3 refresh", "oauth used refresh"] {
        assert!(passed(&report, check), "{check}: {report:?}");
    }
    world.end().await;
}
