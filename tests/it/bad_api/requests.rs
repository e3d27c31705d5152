//! X1 to X6 (X2, a panic, is a unit test of `web::layers`: no request makes a handler panic), and values of `Prefer`.

use cardkey_sandbox::ALICE;
use reqwest::Method;
use serde_json::json;

use super::{READ, assert_problem};
use crate::harness::{APP, World};

#[tokio::test]
async fn x1_what_is_not_there_is_said_so_to_everybody() {
    let world = World::new().await;
    for path in
        ["/", "/v1", "/v1/", "/v1/tokens/", "/v2/tokens", "/v1/nothing", "/admin", "/.env", "/v1/%2e%2e/metrics"]
    {
        for accept in ["*/*", "text/html", "application/json", "image/png", "\"", "a/b;q=x"] {
            let reply = world.send(world.http.get(world.url(path)).header("accept", accept)).await;
            assert_problem(&format!("X1 {path} {accept}"), &reply, 404, "not-found");
        }
    }
    assert_problem("X1 /metrics is elsewhere", &world.get("/metrics").await, 404, "not-found");
    assert_problem("X1", &world.get("/assets/../Cargo.toml").await, 404, "not-found");
    assert_problem("X1", &world.get("/assets/%2e%2e%2fCargo.toml").await, 404, "not-found");
    for (method, path) in [
        (Method::GET, "/v1/tokens"),
        (Method::PUT, "/v1/tokens"),
        (Method::DELETE, "/v1/grants"),
        (Method::POST, "/v1/grants/x"),
        (Method::GET, "/v1/auth-sessions/x/cancel"),
        (Method::PATCH, "/v1/auth-sessions/x"),
        (Method::TRACE, "/healthz"),
        (Method::POST, "/oauth/feishu/x/callback"),
        (Method::from_bytes(b"PROPFIND").unwrap(), "/v1/tokens"),
    ] {
        let reply = world.send(world.http.request(method.clone(), world.url(path)).bearer_auth(&world.key)).await;
        assert_problem(&format!("X1 {method} {path}"), &reply, 405, "method-not-allowed");
        assert_ne!(reply.header("allow"), "", "X1 {method} {path}: says which there are");
    }
    world.end().await;
}

#[tokio::test]
async fn x3_what_the_database_says_is_not_shown() {
    let world = World::new().await;
    let (session, link) = world.link(ALICE, READ).await;
    let begun = world.begin(&link).await;
    let location = world.decide(&begun.authorize_url, ALICE, "allow").await;
    world.gateway().store().close().await;
    for reply in [
        world.ask(READ).await,
        world.get("/v1/grants").await,
        world.get(&format!("/v1/auth-sessions/{session}")).await,
        world.delete("/v1/grants/x", &world.key).await,
    ] {
        assert_problem("X3", &reply, 503, "storage-unavailable");
        assert_ne!(reply.header("retry-after"), "", "X3");
    }
    for address in [&link, &location] {
        let page = world.send(world.http.get(address)).await;
        assert_eq!(page.status, 503, "X3 {}", page.text);
        assert!(page.text.contains("Busy for the moment") && !page.text.contains("sql"), "X3 {}", page.text);
    }
    let ready = world.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["status"]), (503, &json!("storage unavailable")), "X3");
    assert_eq!(world.get("/healthz").await.status, 200, "X3: the process lives");
    world.end().await;
}

#[tokio::test]
async fn x4_bytes_that_are_no_utf8() {
    let world = World::new().await;
    let key = world.key.clone();
    let line =
        |text: &str| format!("{text} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n");
    for (row, request, status) in [
        ("in a path, escaped", [line("GET /v1/auth-sessions/%ff%fe").as_bytes(), b"\r\n"].concat(), "404"),
        ("in a deletion, escaped", [line("DELETE /v1/grants/%c0%ae").as_bytes(), b"\r\n"].concat(), "404"),
        ("in an asset, escaped", [line("GET /assets/%ff").as_bytes(), b"\r\n"].concat(), "404"),
        ("in a query, escaped", [line("GET /v1/grants?subject=%ff").as_bytes(), b"\r\n"].concat(), "400"),
        ("in a name of a query", [line("GET /v1/grants?%ff=1").as_bytes(), b"\r\n"].concat(), "400"),
        ("in a path", [line("GET /v1/\u{1}").replace('\u{1}', "").as_bytes(), b"\r\n"].concat(), "404"),
        ("in a header", [line("GET /v1/grants").as_bytes(), b"prefer: \xff\xfe\r\nx-\r\n\r\n"].concat(), "400"),
        ("in Prefer", [line("GET /v1/grants").as_bytes(), b"prefer: \xff\xfe\r\n\r\n"].concat(), "200"),
        ("in Accept-Language", [line("GET /healthz").as_bytes(), b"accept-language: \xff\r\n\r\n"].concat(), "200"),
        ("NUL in a header", [line("GET /healthz").as_bytes(), b"x: \0\r\n\r\n"].concat(), "400"),
        ("raw bytes in a path", b"GET /v1/\xff\xfe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_vec(), "400"),
        (
            "in Authorization",
            b"GET /v1/grants HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer \xff\r\n\r\n".to_vec(),
            "401",
        ),
        (
            "in a cookie",
            format!(
                "GET /oauth/feishu/{APP}/callback?state=x&code=y HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncookie: "
            )
            .into_bytes()
            .into_iter()
            .chain(*b"\xff=\xff\r\n\r\n")
            .collect(),
            "303",
        ),
    ] {
        let answer = world.raw(&request).await;
        let first = answer.lines().next().unwrap_or_default();
        assert!(first.contains(&format!(" {status} ")), "X4 {row}: {answer}");
    }
    let form = world.http.post(world.url(&format!("/oauth/feishu/{APP}/start"))).body(b"t=\xff&offered=\xfe".to_vec());
    assert_eq!(world.send(form).await.status, 400, "X4 in a form");
    world.end().await;
}

#[tokio::test]
async fn x5_no_words_of_a_caller_become_html() {
    let world = World::new().await;
    let script = "<script>alert(1)</script>";
    let mut body = World::body(ALICE, READ, &json!({}));
    body[script] = json!(1);
    let request = world.http.post(world.url("/v1/tokens")).bearer_auth(&world.key).header("accept", "text/html");
    assert_problem("X5", &world.send(request.json(&body)).await, 400, "invalid-request");
    let list = world.url("/v1/grants?%3Cscript%3E=1");
    let reply = world.send(world.http.get(list).bearer_auth(&world.key).header("accept", "text/html")).await;
    assert_problem("X5", &reply, 400, "invalid-request");
    assert!(reply.header("content-security-policy").starts_with("default-src 'none'"), "X5");

    let named = world.new_key(script, &[APP], "apaas:app:read").await;
    let body = World::body(ALICE, READ, &json!({ "notify": "link", "reason": script }));
    let asked = world.ask_with_key(&named, &body).await;
    let link = asked.json()["auth_session"]["authorization_uri"].as_str().unwrap().to_owned();
    let page = world.send(world.http.get(link)).await;
    assert_eq!(page.status, 200, "X5");
    assert!(page.text.contains("alert(1)") && !page.text.contains(script), "X5 shown as text: {}", page.text);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"), "X5");
    world.end().await;
}

#[tokio::test]
async fn x6_other_origins_get_no_leave() {
    let world = World::new().await;
    for origin in ["null", "https://evil.example", "http://127.0.0.1"] {
        for path in ["/v1/tokens", "/v1/grants", "/healthz"] {
            let preflight = world.http.request(Method::OPTIONS, world.url(path)).header("origin", origin);
            let reply = world.send(preflight.header("access-control-request-method", "POST")).await;
            assert_problem("X6", &reply, 405, "method-not-allowed");
            let get = world.http.get(world.url(path)).bearer_auth(&world.key).header("origin", origin);
            for reply in [reply, world.send(get).await] {
                let leave = reply.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
                assert!(leave.is_none(), "X6 {origin} {path}");
            }
        }
    }
    let head = world.send(world.http.head(world.url("/v1/grants"))).await;
    assert_eq!((head.status, head.text.as_str()), (401, ""), "X6: HEAD is GET without the body");
    let head = world.send(world.http.head(world.url("/v1/grants")).bearer_auth(&world.key)).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""), "X6");
    world.end().await;
}

#[tokio::test]
async fn what_prefer_can_say() {
    let world = World::new().await;
    let (session, link) = world.link(ALICE, READ).await;
    let page = world.visit(&link, ALICE, "deny").await;
    assert_eq!(page.mood(), "calm");
    for (prefer, applied) in [
        ("wait=1", "wait=1"),
        ("wait=60", "wait=60"),
        ("wait=61", "wait=60"),
        ("wait=18446744073709551615", "wait=60"),
        ("Wait = \"7\"", "wait=7"),
        ("respond-async, wait=5", "wait=5"),
        ("wait=5; foo=bar", "wait=5"),
        ("wait=0", ""),
        ("wait=-1", ""),
        ("wait=18446744073709551616", ""),
        ("wait=1.5", ""),
        ("wait=", ""),
        ("wait", ""),
        ("", ""),
        ("respond-async", ""),
    ] {
        let request = world.http.get(world.url(&format!("/v1/auth-sessions/{session}"))).bearer_auth(&world.key);
        let reply = world.send(request.header("prefer", prefer)).await;
        assert_eq!((reply.status, reply.header("preference-applied")), (200, applied), "{prefer}");
    }
    world.end().await;
}
