//! Who may ask for what, whom the bot can reach, and what one caller sees of another's: each its own problem.

use cardkey_sandbox::{ALICE, BOB};
use serde_json::{Value, json};

use super::{READ, assert_problem};
use crate::harness::{APP, OTHER_APP, Setup, World};

#[tokio::test]
async fn apps_and_scopes_that_a_key_may_not_have() {
    let world = World::with(Setup::two_apps()).await;
    let calls = world.platform_calls().await;
    let of_app = |app: &str| {
        let mut body = World::body(ALICE, READ, &json!({}));
        body["app"] = json!(app);
        body
    };
    let refusals = world.refusals();
    assert_problem("unknown app", &world.post("/v1/tokens", &of_app("cli_unknown")).await, 404, "unknown-app");
    assert_problem("another app", &world.post("/v1/tokens", &of_app(OTHER_APP)).await, 403, "app-not-allowed");
    let scopes = ["im:message", "apaas:app:read"];
    let reply = world.ask(&scopes).await;
    assert_problem("another scope", &reply, 403, "scope-not-allowed");
    assert_eq!(reply.json()["missing_scopes"], json!(["im:message"]));
    assert_eq!(world.refusals(), refusals + 3);
    assert_eq!(world.platform_calls().await, calls, "nobody was asked");
    world.end().await;
}

#[tokio::test]
async fn under_an_app_that_asks_nobody_there_are_no_tokens() {
    let world = World::with(Setup::code("none")).await;
    assert_problem("", &world.ask(READ).await, 422, "not-offered");
    assert!(world.messages(ALICE).await.is_empty(), "nobody was asked");
    world.end().await;
}

#[tokio::test]
async fn a_person_who_cannot_be_reached_is_said_at_once() {
    let world = World::with(Setup::two_apps()).await;
    let people = world.look("people").await;
    let alice = people.as_array().unwrap().iter().find(|person| person["open_id"] == ALICE).unwrap();
    let of_other_app = alice["open_ids"][OTHER_APP].as_str().unwrap().to_owned();
    let restore = json!({ "open_id": ALICE, "available": true, "resigned": false });
    for (row, person, place, change) in [
        ("an unknown open_id", "ou_unknown", "people", restore.clone()),
        ("an open_id of another app", of_other_app.as_str(), "people", restore.clone()),
        ("230013 not available", ALICE, "people", json!({ "open_id": ALICE, "available": false })),
        ("230013 left", ALICE, "people", json!({ "open_id": ALICE, "resigned": true, "available": true })),
        ("230006 bot off", BOB, "apps", json!({ "app_id": APP, "bot": false })),
    ] {
        world.control(place, &change).await;
        let reply = world.ask_for(person, READ, &json!({})).await;
        assert_problem(row, &reply, 422, "recipient-unreachable");
        let session = reply.json()["auth_session_id"].as_str().unwrap().to_owned();
        let session = world.get(&format!("/v1/auth-sessions/{session}")).await.json();
        let end = (&session["status"], &session["reason"]);
        assert_eq!(end, (&json!("failed"), &json!("recipient_unreachable")), "{row}");
    }
    world.control("apps", &json!({ "app_id": APP, "bot": true })).await;
    world.control("people", &restore).await;
    assert_eq!(world.ask(READ).await.status, 202, "once the cause is gone the next ask reaches her");
    world.end().await;
}

#[tokio::test]
async fn when_the_app_is_at_fault_the_owner_is_named_not_the_person() {
    let world = World::new().await;
    for (row, fault) in [
        ("99991672", json!({ "kind": "status", "status": 400, "body": { "code": 99_991_672 } })),
        ("230099", json!({ "kind": "status", "status": 400, "body": { "code": 230_099 } })),
    ] {
        world.fault(&json!({ "match": { "api": "messages_create" }, "times": 1, "action": fault })).await;
        assert_problem(row, &world.ask(READ).await, 502, "app-misconfigured");
    }
    assert_eq!(world.ask(READ).await.status, 202, "the sessions before have ended");
    world.end().await;
}

#[tokio::test]
async fn one_caller_sees_nothing_of_anothers() {
    let world = World::with(Setup::two_apps()).await;
    let stranger = world.new_key("stranger", &[APP], "apaas:app:read").await;
    let elsewhere = world.new_key("elsewhere", &[OTHER_APP], "apaas:app:read").await;
    let asked = world.ask(READ).await;
    let path = format!("/v1/auth-sessions/{}", asked.session());
    for (row, key) in [("not asked in it", &stranger), ("another app", &elsewhere)] {
        let seen = world.send(world.http.get(world.url(&path)).bearer_auth(key)).await;
        assert_problem(row, &seen, 404, "not-found");
        let cancel = world.http.post(world.url(&format!("{path}/cancel"))).bearer_auth(key);
        assert_problem(row, &world.send(cancel).await, 404, "not-found");
    }
    for id in ["x", "00000000-0000-7000-8000-000000000000", "%00", "a%20b", &"x".repeat(1_000)] {
        assert_problem(id, &world.get(&format!("/v1/auth-sessions/{id}")).await, 404, "not-found");
    }
    assert_eq!(world.status(&asked.session()).await, "pending");

    world.granted(READ).await;
    let grant = world.grants().await[0]["id"].as_str().unwrap().to_owned();
    let listed = world.send(world.http.get(world.url("/v1/grants")).bearer_auth(&elsewhere)).await;
    assert_eq!(listed.json()["grants"], json!([]), "grants under other apps are not listed");
    let asked = world.send(world.http.get(world.url(&format!("/v1/grants?app={APP}"))).bearer_auth(&elsewhere)).await;
    assert_eq!(asked.json()["grants"], json!([]), "also when they are asked for by name");
    assert_problem("", &world.delete(&format!("/v1/grants/{grant}"), &elsewhere).await, 404, "not-found");
    assert_problem("", &world.delete("/v1/grants/unknown", &world.key).await, 404, "not-found");
    assert_eq!(world.grants().await.len(), 1, "it stands");
    assert_eq!(world.calls("revoke").await, 0);
    world.end().await;
}

#[tokio::test]
async fn the_list_of_grants_comes_in_pages_and_without_tokens() {
    let mut setup = Setup::default();
    setup.sandbox.generated_people = 5;
    let world = World::with(setup).await;
    let people = world.look("people").await;
    for person in people.as_array().unwrap().iter().skip(3) {
        let person = person["open_id"].as_str().unwrap();
        let (_, link) = world.link(person, READ).await;
        assert_eq!(world.visit(&link, person, "allow").await.mood(), "good");
    }
    let all = world.grants().await;
    assert_eq!(all.len(), 5);
    let (mut paged, mut after) = (Vec::<Value>::new(), String::new());
    for expected in [2, 2, 1] {
        let page = world.get(&format!("/v1/grants?limit=2{after}")).await.json();
        let grants = page["grants"].as_array().unwrap();
        assert_eq!(grants.len(), expected);
        paged.extend(grants.iter().cloned());
        after = page["next"].as_str().map(|next| format!("&after={next}")).unwrap_or_default();
    }
    assert_eq!(
        (paged, after.as_str()),
        (all.clone(), ""),
        "each once, in order, and the last page says that it is the last"
    );
    let one = all[3]["subject"].as_str().unwrap();
    assert_eq!(world.get(&format!("/v1/grants?subject={one}")).await.json()["grants"], json!([all[3]]));
    for name in ["access_token", "refresh_token", "token"] {
        assert!(all.iter().all(|grant| grant.get(name).is_none()), "{name}");
    }
    for query in [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=x",
        "limit=1e3",
        "limit=99999999999999999999",
        "limit=2&limit=2",
        "page=1",
        "app=a%20b",
        "subject=%00",
        "after=a%20b",
        "app=x&app=y",
    ] {
        assert_problem(
            &format!("D14 {query}"),
            &world.get(&format!("/v1/grants?{query}")).await,
            400,
            "invalid-request",
        );
    }
    assert_eq!(world.get("/v1/grants?limit=200&after=zzz").await.json()["grants"], json!([]));
    world.end().await;
}
