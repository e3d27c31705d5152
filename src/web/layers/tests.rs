//! What no route of ours can be made to do from outside.

use axum::body::Body;
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tower::ServiceExt as _;

use super::*;

async fn broken() -> Response {
    panic!("secret-in-a-panic");
}

async fn answer(router: &Router, path: &str) -> (StatusCode, String, String) {
    let request = http::Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let kind = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
    (status, kind, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn x2_a_panic_is_an_answer_and_nothing_more() {
    let metrics = Metrics::new().unwrap();
    let inner = Router::new().route("/broken", get(broken)).route("/whole", get(async || "fine"));
    let router = around(inner, metrics.clone());
    let (status, kind, body) = answer(&router, "/broken").await;
    assert_eq!((status, kind.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "application/problem+json"), "X2");
    assert!(body.contains("urn:cardkey:problem:internal") && !body.contains("secret-in-a-panic"), "X2 {body}");
    assert_eq!(answer(&router, "/whole").await.0, StatusCode::OK, "X2: the next request is served");
    assert!(metrics.render().contains(r#"cardkey_http_requests_total{route="/broken",status="500"} 1"#), "X2");
}

#[tokio::test]
async fn d9_paths_do_not_become_labels() {
    let metrics = Metrics::new().unwrap();
    let router = around(Router::new(), metrics.clone());
    for n in 0..100 {
        assert_eq!(answer(&router, &format!("/path-{n}")).await.0, StatusCode::NOT_FOUND, "D9");
    }
    let text = metrics.render();
    assert!(text.contains(r#"cardkey_http_requests_total{route="unmatched",status="404"} 100"#), "D9 {text}");
    assert!(!text.contains("path-"), "D9");
}
