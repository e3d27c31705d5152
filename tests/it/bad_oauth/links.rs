//! Start and result links that are not ours, and tampered decisions to go on: A21, A23 and A34 for what we seal.

use super::{READ, Ride, lookalikes, parameter, with};
use crate::harness::{APP, OTHER_APP, Setup, World};

#[tokio::test]
async fn a_link_that_is_not_ours_leads_nowhere() {
    let world = World::with(Setup::two_apps()).await;
    let ride = Ride::of_alice(&world).await;
    let result = result_link(&world).await;
    let before = world.standing(&ride.session).await;
    for (row, link) in start_links(&ride.link, &result) {
        let refusals = world.refusals();
        let shown = world.send(world.http.get(&link)).await;
        assert_eq!(shown.status, 400, "{row} {link}: {}", shown.text);
        assert!(!shown.text.contains("name=\"offered\""), "{row}: nothing to go on with");
        let (place, query) = link.split_once('?').unwrap_or((&link, ""));
        let form = format!("{query}&offered=ask:0:1:1");
        let kind = "application/x-www-form-urlencoded";
        let went_on = world.send(world.http.post(place).header("content-type", kind).body(form)).await;
        assert_eq!(went_on.status, 400, "{row} {link}: {}", went_on.text);
        assert_eq!(went_on.header("location"), "", "{row}");
        assert_eq!(world.refusals(), refusals + 2, "{row}: a line in the audit trail for each");
        assert_eq!(world.standing(&ride.session).await, before, "{row} {link}");
    }
    world.end().await;
}

fn start_links(link: &str, result: &str) -> Vec<(&'static str, String)> {
    let token = parameter(link, "t");
    let mut rows: Vec<_> =
        lookalikes(&token).into_iter().map(|(what, other)| (what, with(link, "t", Some(&other)))).collect();
    let parts: Vec<&str> = token.split('.').collect();
    let [id, key, tag] = parts[..] else { panic!("id, key and tag: {token}") };
    let another_id = format!("{}{}", if id.starts_with('0') { '1' } else { '0' }, &id[1..]);
    for (row, other) in [
        ("A34 another key's seal", format!("{id}.k2.{tag}")),
        ("A34 no tag", format!("{id}.{key}.")),
        ("A34 no key", format!("{id}..{tag}")),
        ("A34 id only", id.to_owned()),
        ("A34 another session's id", format!("{another_id}.{key}.{tag}")),
        ("A34 a link for another purpose", parameter(result, "r")),
        ("A17 empty", String::new()),
    ] {
        rows.push((row, with(link, "t", Some(&other))));
    }
    rows.push(("A16 none", with(link, "t", None)));
    rows.push(("A23 twice", format!("{link}&t={token}")));
    rows.push(("A21 another app's path", link.replace(APP, OTHER_APP)));
    rows.push(("A21 another platform's path", link.replace("/oauth/feishu/", "/oauth/other/")));
    rows.push(("X4 not UTF-8", format!("{}?t=%ff%fe", link.split('?').next().unwrap())));
    rows
}

/// The address of some result page: of a session that Bob refused.
async fn result_link(world: &World) -> String {
    let (_, link) = world.link(cardkey_sandbox::BOB, READ).await;
    let begun = world.begin(&link).await;
    let location = world.decide(&begun.authorize_url, cardkey_sandbox::BOB, "deny").await;
    let reply = world.send(world.http.get(location).header("cookie", &begun.cookie)).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    world.url(reply.header("location"))
}

#[tokio::test]
async fn a_result_link_that_is_not_ours_shows_nothing() {
    let world = World::with(Setup::two_apps()).await;
    let result = result_link(&world).await;
    assert_eq!(world.send(world.http.get(&result)).await.status, 200);
    let token = parameter(&result, "r");
    for (row, other) in lookalikes(&token) {
        let reply = world.send(world.http.get(with(&result, "r", Some(&other)))).await;
        assert_eq!(reply.status, 400, "A34 {row}: {}", reply.text);
    }
    let elsewhere = world.send(world.http.get(result.replace(APP, OTHER_APP))).await;
    assert_eq!(elsewhere.status, 400, "A21");
    world.end().await;
}

/// Going on takes exactly what the page showed: a page of before something was added leads back to a fresh page.
#[tokio::test]
async fn an_offer_that_was_not_shown_is_shown_again() {
    let world = World::new().await;
    let (session, link) = world.link(cardkey_sandbox::ALICE, READ).await;
    let before = world.standing(&session).await;
    let (place, token) = (link.split('?').next().unwrap(), parameter(&link, "t"));
    for offered in ["ask:0:1:2", "completed", "<script>alert(1)</script>", "x"] {
        let request = world.http.post(place).form(&[("t", token.as_str()), ("offered", offered)]);
        let reply = world.send(request).await;
        assert_eq!(reply.status, 303, "{offered}");
        assert_eq!(world.url(reply.header("location")), link, "back to the page");
        assert_eq!(reply.header("set-cookie"), "");
        assert_eq!(world.standing(&session).await, before);
    }
    world.end().await;
}
