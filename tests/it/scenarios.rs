//! What every platform has to let happen, told once: the same test code plays each scenario on each [`Stage`], and prints what
//! came of it, platform by platform. A platform is one more stage and one more line below.

mod deciding;
mod dingtalk;
mod ending;
mod feishu;
mod pushing;
mod stage;

use std::any::Any;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use dingtalk::DingTalk;
use feishu::Feishu;
use stage::Stage;

#[tokio::test]
async fn feishu() {
    play::<Feishu>().await;
}

#[tokio::test]
async fn dingtalk() {
    play::<DingTalk>().await;
}

/// A scenario under its name; it gives what it saw, in words.
type Scenario = (&'static str, LocalBoxFuture<'static, String>);

fn scenarios<S: Stage>() -> Vec<Scenario> {
    vec![
        ("ask, consent, token", deciding::consents::<S>().boxed_local()),
        ("reject", deciding::rejects::<S>().boxed_local()),
        ("the wrong person consents", deciding::somebody_else_consents::<S>().boxed_local()),
        ("the wrong person taps", deciding::somebody_else_taps::<S>().boxed_local()),
        ("nobody answers in time", deciding::expires::<S>().boxed_local()),
        ("an event comes twice", pushing::an_event_comes_twice::<S>().boxed_local()),
        ("a tap comes twice", pushing::a_tap_comes_twice::<S>().boxed_local()),
        ("the stream breaks and comes back", pushing::reconnects::<S>().boxed_local()),
        ("a service ends a grant", ending::is_deleted::<S>().boxed_local()),
        ("the person takes the consent back", ending::is_taken_back::<S>().boxed_local()),
    ]
}

/// Plays all of it, also after a failure, and prints the table.
#[expect(clippy::print_stdout, reason = "the table is what is wanted of it")]
async fn play<S: Stage>() {
    let (mut table, mut failed) = (format!("{}\n", S::NAME), Vec::new());
    for (name, scenario) in scenarios::<S>() {
        let outcome = AssertUnwindSafe(scenario).catch_unwind().await.unwrap_or_else(|panic| {
            failed.push(name);
            format!("FAILED: {}", said(&*panic))
        });
        writeln!(table, "  {name:<35}{outcome}").unwrap();
    }
    println!("{table}");
    assert!(failed.is_empty(), "{}: {failed:?}\n{table}", S::NAME);
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
