//! A thousand people at once, under the platform's own rate limits: everybody gets their own token, nobody another's.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cardkey_sandbox::TokenLimit;
use cardkey_sandbox::journal::Entry;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::harness::{APP, Reply, Setup, World};

const PEOPLE: usize = 1000;
const READ: &[&str] = &["apaas:app:read"];

/// How long one person's story took, in parts.
struct Story {
    /// From the caller's question to the card in the chat: the platform takes 50 a second.
    card: Duration,
    /// From the person's consent to the token in the caller's hand.
    token: Duration,
    /// All of it.
    whole: Duration,
}

/// Each person is a client connection, and one of the sandbox's: more than many systems allow a process by default.
fn many_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where it is refused the test says so by itself: connections fail.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// The caller repeats its waiting call until there is a token.
async fn token(world: &World, person: &str) -> Reply {
    loop {
        let reply = world.ask_waiting(person, READ, 60).await;
        if reply.status != 202 {
            return reply;
        }
    }
}

async fn story(world: &World, person: &str) -> Story {
    let begun = Instant::now();
    let asked = world.ask_for(person, READ, &json!({})).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let card = begun.elapsed();
    let (reply, consented) = tokio::join!(token(world, person), async {
        let message = world.card_turns(person, "blue").await;
        let flow = world.begin(&World::card_link(&message)).await;
        let location = world.decide(&flow.authorize_url, person, "allow").await;
        let consented = Instant::now();
        let page = world.come_back(&location, &flow.cookie).await;
        // On a busy machine the page may still say that it is being worked on; the caller's answer says how it ended.
        assert!(["good", "working"].contains(&page.mood().as_str()), "{}", page.reply.text);
        consented
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    let story = Story { card, token: consented.elapsed(), whole: begun.elapsed() };
    let owner = world.owner(reply.json()["access_token"].as_str().unwrap()).await;
    assert_eq!(owner, person, "nobody gets another's token");
    story
}

fn line(name: &str, mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |per_cent: usize| times[(times.len() * per_cent).div_ceil(100) - 1].as_secs_f64();
    format!("{name}: p50 {:.2} s, p95 {:.2} s, max {:.2} s", at(50), at(95), at(100))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_people_are_asked_at_once_and_each_gets_their_own() {
    many_files();
    let mut setup = Setup::default().variable("CARDKEY_LOG__LEVEL", "info");
    setup.sandbox.generated_people = PEOPLE;
    setup.sandbox.token_limit = TokenLimit::Http429;
    assert!(setup.sandbox.rate_limits, "the platform's limits are on");
    let world = Arc::new(World::with_binary(setup).await);
    let process = world.start_process().await;
    let people = world.crowd();
    assert_eq!(people.len(), PEOPLE);

    let begun = Instant::now();
    let mut crowd = JoinSet::new();
    for person in people {
        let world = Arc::clone(&world);
        crowd.spawn(async move { story(&world, &person).await });
    }
    let stories = crowd.join_all().await;
    let took = format!("{PEOPLE} people in {:.1} s", begun.elapsed().as_secs_f64());
    let lines = [
        took,
        line("question to card", stories.iter().map(|story| story.card).collect()),
        line("consent to token", stories.iter().map(|story| story.token).collect()),
        line("question to token", stories.iter().map(|story| story.whole).collect()),
    ];
    // Past the capture of the test's output: the numbers are shown when all is well, too.
    writeln!(std::io::stderr(), "\n{}", lines.join("\n")).unwrap();

    let limited = |entry: &Entry| entry.outcome.as_ref().is_some_and(|done| done.http == 429);
    let refused = world.sandbox.feishu().journal.read(0, limited);
    assert_eq!(refused.len(), 0, "the platform had to refuse nothing: {:?}", refused.first());
    for (series, wanted) in [("cardkey_auth_session_total", 1000.0), ("cardkey_auth_success_total", 1000.0)] {
        let labels = format!("{series}{{app_id=\"{APP}\",auth_method=\"redirect\"}}");
        assert_eq!(world.metric(&labels).await, Some(wanted), "{series}");
    }
    process.stop().await;
    Arc::into_inner(world).unwrap().end().await;
}
