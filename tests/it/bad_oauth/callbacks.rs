//! Callbacks that are refused, each with a page. After all of them the true one still works: they changed nothing.

use super::{READ, Ride, lookalikes, with};
use crate::harness::{APP, OTHER_APP, Reply, Setup, World};

/// A refused callback: row, address, cookie lines, status.
type Row = (&'static str, String, Vec<String>, u16);

#[tokio::test]
async fn each_is_refused_and_changes_nothing() {
    let world = World::with(Setup::two_apps().app("browser_binding = \"strict\"\n")).await;
    let (ride, other) = (Ride::of_alice(&world).await, Ride::of(&world, cardkey_sandbox::BOB).await);
    let rows = [cookies(&ride, &other), parameters(&ride), places(&ride), states(&ride)].concat();
    let before = world.standing(&ride.session).await;
    for (row, address, cookies, status) in rows {
        let refusals = world.refusals();
        let request = cookies.iter().fold(world.http.get(&address), |request, line| request.header("cookie", line));
        let reply = shown(&world, world.send(request).await).await;
        assert_eq!(reply.status, status, "{row} {address}: {}", reply.text);
        assert!(reply.header("content-type").starts_with("text/html"), "{row}: a person sees a page");
        assert_eq!(reply.header("cache-control"), "no-store", "{row}");
        assert_eq!(world.refusals(), refusals + 1, "{row}: one line in the audit trail");
        assert_eq!(world.standing(&ride.session).await, before, "{row} {address}");
    }
    let page = world.come_back(&ride.location, &ride.begun.cookie).await;
    assert_eq!(page.mood(), "good", "what was refused burnt nothing: {}", page.reply.text);
    assert_eq!(world.ask(READ).await.status, 200);
    world.end().await;
}

/// Follows the redirect to an address without code and state.
async fn shown(world: &World, reply: Reply) -> Reply {
    if reply.status != 303 {
        return reply;
    }
    let clean = reply.header("location").to_owned();
    assert!(clean.contains("/result?trouble="), "{clean}");
    world.send(world.http.get(world.url(&clean))).await
}

/// A13 to A15: the cookie that binds the flow to one browser.
fn cookies(ride: &Ride, other: &Ride) -> Vec<Row> {
    let (mine, others) = (ride.begun.cookie.clone(), other.begun.cookie.clone());
    let name = mine.split_once('=').unwrap().0;
    let value_of_other = others.split_once('=').unwrap().1;
    let swapped = format!("{name}={value_of_other}");
    let here = || ride.location.clone();
    vec![
        ("A13 no cookie", here(), vec![], 403),
        ("A13 empty", here(), vec![format!("{name}=")], 403),
        ("A14 of another flow", here(), vec![others], 403),
        ("A14 of another flow under this one's name", here(), vec![swapped.clone()], 403),
        ("A15 twice, the wrong one first", here(), vec![format!("{swapped}; {mine}")], 403),
        ("A15 twice, the right one first", here(), vec![format!("{mine}; {swapped}")], 403),
        ("A15 twice, in two lines", here(), vec![mine, swapped], 403),
    ]
}

/// A16 to A18, A22, A23: the parameters besides `state`.
fn parameters(ride: &Ride) -> Vec<Row> {
    let (here, cookie) = (ride.location.as_str(), vec![ride.begun.cookie.clone()]);
    let code = |value: &str| with(here, "code", Some(value));
    let also = |pair: &str| format!("{here}&{pair}");
    let long = "c".repeat(10 * 1024);
    let many = (0..40).fold(String::new(), |all, n| all + "&p" + &n.to_string() + "=1");
    [
        ("A16 no code", with(here, "code", None), 400),
        ("A17 empty code", code(""), 400),
        ("A18 10 kB", code(&long), 400),
        ("A18 a blank", code("a b"), 400),
        ("A18 a line break", code("a\r\nX: y"), 400),
        ("A18 NUL", code("a\0"), 400),
        ("A18 not ASCII", code("çode"), 400),
        ("A22 another issuer", also("iss=https%3A%2F%2Fevil.example"), 410),
        ("A22 ours and more", also("iss=http%3A%2F%2F127.0.0.1.evil.example"), 410),
        ("A22 not a URL", also("iss=x"), 410),
        ("A23 code twice", also("code=another"), 400),
        ("A23 state twice", also("state=another"), 400),
        ("A23 the same code twice", also(&format!("code={}", super::parameter(here, "code"))), 400),
        ("A23 iss twice", also("iss=a&iss=b"), 400),
        ("A23 too many parameters", also(&many[1..]), 400),
        ("X4 not UTF-8", also("code=%ff%fe"), 400),
    ]
    .map(|(row, address, status)| (row, address, cookie.clone(), status))
    .to_vec()
}

/// A21: the place.
fn places(ride: &Ride) -> Vec<Row> {
    let (here, cookie) = (&ride.location, vec![ride.begun.cookie.clone()]);
    [
        ("A21 another app's path", here.replace(APP, OTHER_APP), 410),
        ("A21 no app's path", here.replace(APP, "cli_ffffffffffffffff"), 410),
        ("A21 another platform's path", here.replace("/oauth/feishu/", "/oauth/other/"), 410),
        ("X4 an app that is not UTF-8", here.replace(APP, "%ff"), 400),
        ("A21 an app with a blank", here.replace(APP, "a%20b"), 400),
    ]
    .map(|(row, address, status)| (row, address, cookie.clone(), status))
    .to_vec()
}

/// A34: states that are not ours. "Another key's seal" does not apply: a state is random and found by its hash.
fn states(ride: &Ride) -> Vec<Row> {
    let (here, cookie) = (&ride.location, vec![ride.begun.cookie.clone()]);
    let state = super::parameter(here, "state");
    let mut rows: Vec<Row> = lookalikes(&state)
        .into_iter()
        .map(|(_, other)| {
            // Longer than any of ours: not even looked for.
            let status = if other.len() > 128 { 400 } else { 410 };
            ("A34", with(here, "state", Some(&other)), cookie.clone(), status)
        })
        .collect();
    rows.push(("A34 none", with(here, "state", None), cookie.clone(), 400));
    rows.push(("A34 empty", with(here, "state", Some("")), cookie, 400));
    rows
}
