//! Messages against a real socket.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::oauth_tests::{api, config};
use super::*;
use crate::domain::card::{Card, CardRef, EndCard};
use crate::domain::ids::{MessageId, SubjectId};
use crate::domain::scopes::ScopeSet;
use crate::platform::app_token::Shelf;
use crate::platform::fake_server::{FakeServer, Reply, Seen, closed_port, json, text, with_headers};
use crate::platform::sandbox_bench::StoppedClock;
use crate::platform::{Cards as _, PlatformError, SendError};

const TENANT_TOKEN_PATH: &str = "/open-apis/auth/v3/tenant_access_token/internal";

fn messages(base: &url::Url) -> Messages {
    let config = Arc::new(config(base));
    let api = Arc::new(api(&config));
    let token =
        tenant_token::tenant_token(Arc::clone(&api), Arc::clone(&config), Arc::new(StoppedClock), Shelf::none());
    Messages::new(api, token, config.card.clone())
}

/// Gives tenant tokens `t-0`, `t-1`, …; the rest is answered by `answer`, which is told how many requests came before.
async fn server(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> FakeServer {
    FakeServer::start(move |seen, before| {
        if seen.path == TENANT_TOKEN_PATH {
            json(200, &json!({"code": 0, "tenant_access_token": format!("t-{before}"), "expire": 7200}))
        } else {
            answer(seen, before)
        }
    })
    .await
}

fn sent() -> Reply {
    json(200, &json!({"code": 0, "msg": "success", "data": {"message_id": "om_1"}}))
}

fn face() -> Card {
    Card::Cancelled(EndCard {
        requesters: vec!["reports".to_owned()],
        scopes: ScopeSet::default(),
        missing: ScopeSet::default(),
    })
}

async fn send(messages: &Messages) -> Result<CardRef, SendError> {
    messages.send(&SubjectId::parse("ou_1").unwrap(), &face(), "uuid-1").await
}

fn calls(server: &FakeServer, path: &str) -> Vec<Seen> {
    server.seen().into_iter().filter(|seen| seen.path.starts_with(path)).collect()
}

#[tokio::test]
async fn a_card_is_sent_with_its_uuid() {
    let server = server(|_, _| sent()).await;
    assert_eq!(send(&messages(&server.base)).await, Ok(CardRef(MessageId::parse("om_1").unwrap())));
    let seen = server.seen();
    assert_eq!(seen[0].json(), json!({"app_id": "cli_a1b2c3d4e5f60718", "app_secret": "s3cr&t="}));
    assert_eq!(
        (seen[1].method.as_str(), seen[1].path.as_str()),
        ("POST", "/open-apis/im/v1/messages?receive_id_type=open_id")
    );
    assert_eq!(seen[1].header("authorization"), Some("Bearer t-0"));
    let body = seen[1].json();
    assert_eq!(
        (&body["receive_id"], &body["msg_type"], &body["uuid"]),
        (&json!("ou_1"), &json!("interactive"), &json!("uuid-1"))
    );
    let content: Value = serde_json::from_str(body["content"].as_str().unwrap()).unwrap();
    assert_eq!(content, cards::card(&config::CardOptions::default(), &face()));
}

#[tokio::test]
async fn a_card_is_changed_in_place() {
    let server = server(|_, _| json(200, &json!({"code": 0, "msg": "success", "data": {}}))).await;
    let messages = messages(&server.base);
    let card_ref = CardRef(MessageId::parse("om_1/../x?y").unwrap());
    assert_eq!(messages.update(&card_ref, &face()).await, Ok(()));
    let seen = server.seen().remove(1);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("PATCH", "/open-apis/im/v1/messages/om_1%2F..%2Fx%3Fy"));
    assert_eq!(seen.json().as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn many_at_once_share_one_app_token() {
    let server = server(|_, _| sent()).await;
    let messages = messages(&server.base);
    let sent = join_all((0..10).map(|_| send(&messages))).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!((calls(&server, TENANT_TOKEN_PATH).len(), server.seen().len()), (1, 11));
}

#[tokio::test]
async fn a_stale_app_token_is_replaced_once() {
    let stale = |seen: &Seen, _: usize| {
        if seen.header("authorization") == Some("Bearer t-0") { refused(400, 99_991_663) } else { sent() }
    };
    let helped = server(stale).await;
    assert!(send(&messages(&helped.base)).await.is_ok());
    assert_eq!(calls(&helped, TENANT_TOKEN_PATH).len(), 2);
    let hopeless = server(|_, _| refused(400, 99_991_663)).await;
    let error = PlatformError::Misconfigured { code: 99_991_663.into() };
    assert_eq!(send(&messages(&hopeless.base)).await, Err(SendError::Platform(error)));
    assert_eq!((calls(&hopeless, TENANT_TOKEN_PATH).len(), hopeless.seen().len()), (2, 4));
}

#[tokio::test]
async fn a_limited_rate_is_waited_out() {
    let server = server(|_, before| match before {
        0 | 1 => with_headers(429, &[("x-ogw-ratelimit-reset", "0")], br#"{"code":99991400}"#.to_vec()),
        _ => sent(),
    })
    .await;
    assert!(send(&messages(&server.base)).await.is_ok());
    assert_eq!(calls(&server, "/open-apis/im").len(), 2);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_the_callers() {
    let server = server(|_, _| with_headers(429, &[("x-ogw-ratelimit-reset", "51")], Vec::new())).await;
    let error = PlatformError::RateLimited { after: Duration::from_secs(51) };
    assert_eq!(send(&messages(&server.base)).await, Err(SendError::Platform(error)));
    assert_eq!(calls(&server, "/open-apis/im").len(), 1);
}

#[tokio::test]
async fn a_silence_that_is_too_long_for_one_is_kept_by_all() {
    let server = server(|_, _| with_headers(429, &[("x-ogw-ratelimit-reset", "120")], Vec::new())).await;
    let messages = messages(&server.base);
    for _ in 0..3 {
        let Err(SendError::Platform(PlatformError::RateLimited { after })) = send(&messages).await else { panic!() };
        assert!(after > Duration::from_mins(1), "the rest of the silence: {after:?}");
    }
    assert_eq!(calls(&server, "/open-apis/im").len(), 1);
}

fn refused(status: u16, code: i64) -> Reply {
    json(status, &json!({"code": code, "msg": "refused"}))
}

#[tokio::test]
async fn who_cannot_be_reached_is_told_from_what_went_wrong() {
    let unreachable = |code: i64| Err(SendError::Unreachable { code: code.into() });
    let platform = |error| Err(SendError::Platform(error));
    for (status, body, expected) in [
        (400, json!({"code": 230_013, "msg": "x"}), unreachable(230_013)),
        (200, json!({"code": 230_006, "msg": "x"}), unreachable(230_006)),
        (400, json!({"code": 99_992_361, "msg": "open_id cross app"}), unreachable(99_992_361)),
        (400, json!({"code": 99_992_351, "msg": "x"}), unreachable(99_992_351)),
        (400, json!({"code": 230_001, "msg": "invalid receive_id"}), unreachable(230_001)),
        (400, json!({"code": 230_001, "msg": "x"}), platform(PlatformError::Rejected { code: 230_001.into() })),
        (400, json!({"code": 230_099, "msg": "x"}), platform(PlatformError::Rejected { code: 230_099.into() })),
        (
            400,
            json!({"code": 99_991_672, "msg": "x"}),
            platform(PlatformError::Misconfigured { code: 99_991_672.into() }),
        ),
        (200, json!({"code": 0, "data": {}}), platform(PlatformError::Unclear)),
        (500, json!({}), platform(PlatformError::Unclear)),
    ] {
        let shown = body.to_string();
        let server = server(move |_, _| json(status, &body)).await;
        assert_eq!(send(&messages(&server.base)).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn no_answer_is_unclear_unless_nothing_was_sent() {
    let garbled = server(|_, _| text(200, "<html>")).await;
    assert_eq!(send(&messages(&garbled.base)).await, Err(SendError::Platform(PlatformError::Unclear)));
    let nowhere = messages(&closed_port().await);
    assert_eq!(send(&nowhere).await, Err(SendError::Platform(PlatformError::Unavailable)));
}

#[tokio::test]
async fn an_app_token_that_cannot_be_had_says_why() {
    for (body, expected) in [
        (json!({"code": 10014, "msg": "app secret invalid"}), PlatformError::Misconfigured { code: 10014.into() }),
        (
            json!({"code": 10003, "msg": "invalid param", "data": {}}),
            PlatformError::Misconfigured { code: 10003.into() },
        ),
        (json!({"code": 0, "expire": 7200}), PlatformError::Unavailable),
        (json!({"code": 0, "tenant_access_token": "t-1", "expire": 0}), PlatformError::Unavailable),
    ] {
        let server = FakeServer::start(move |_, _| json(200, &body)).await;
        assert_eq!(send(&messages(&server.base)).await, Err(SendError::Platform(expected)));
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn the_parts_make_a_platform() {
    let base = closed_port().await;
    let http = crate::platform::client::rustls_config(None).unwrap();
    let http = crate::platform::client::http_client(&http).unwrap();
    let platform = platform(config(&base), http, (Arc::new(StoppedClock), Shelf::none()), (None, None)).unwrap();
    assert_eq!((platform.id.as_str(), platform.app_name.as_str()), ("feishu", "Cardkey"));
    assert!(platform.stream.is_none());
}
