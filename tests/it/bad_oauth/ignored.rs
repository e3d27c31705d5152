//! A25 to A33, A37: parameters that do nothing. There is no `next`, and the redirect address is ours alone.

use cardkey_sandbox::ALICE;

use super::{READ, parameter};
use crate::harness::{World, hidden};

/// What somebody would like the browser to be sent to.
fn nexts() -> Vec<(&'static str, String)> {
    [
        ("A25", "//evil.example"),
        ("A26", "/\\evil.example"),
        ("A27", "https:evil.example"),
        ("A28", "/%2F%2Fevil.example"),
        ("A29", "/%5cevil.example"),
        ("A30", "javascript:alert('evil.example')"),
        ("A31", "/ok\r\nSet-Cookie: evil.example=1"),
    ]
    .map(|(row, next)| (row, next.to_owned()))
    .into_iter()
    .chain([("A32", format!("/{}evil.example", "x".repeat(8 * 1024)))])
    .collect()
}

#[tokio::test]
async fn next_and_redirect_uri_are_ignored_at_every_step() {
    let world = World::new().await;
    let rows = nexts().into_iter().map(|(row, next)| (row, "next", next));
    let rows = rows.chain([("A33", "redirect_uri", "https://evil.example/callback".to_owned())]);
    for (row, name, value) in rows {
        let pair: String = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, &value).finish();
        let (session, link) = world.link(ALICE, READ).await;
        let landing = world.send(world.http.get(format!("{link}&{pair}"))).await;
        assert_eq!(landing.status, 200, "{row}: {}", landing.text);
        assert!(!landing.text.contains("evil.example"), "{row}: {}", landing.text);

        let place = link.split('?').next().unwrap();
        let (token, offered) = (parameter(&link, "t"), hidden(&landing.text, "offered"));
        let form = [("t", token.as_str()), ("offered", offered.as_str()), (name, &value)];
        let started = world.send(world.http.post(format!("{place}?{pair}")).form(&form)).await;
        assert_eq!(started.status, 303, "{row}: {}", started.text);
        let authorize_url = started.header("location").to_owned();
        assert!(authorize_url.starts_with(&world.sandbox.base_url()), "{row}: {authorize_url}");
        assert!(!authorize_url.contains("evil"), "{row}: {authorize_url}");
        assert_eq!(parameter(&authorize_url, "redirect_uri"), place.replace("/start", "/callback"), "{row}");
        assert_eq!(started.headers.get_all("set-cookie").iter().count(), 1, "{row}: only our own cookie");

        let cookie = started.header("set-cookie").split(';').next().unwrap().to_owned();
        let location = world.decide(&authorize_url, ALICE, "deny").await;
        let back = world.send(world.http.get(format!("{location}&{pair}")).header("cookie", cookie)).await;
        assert_eq!(back.status, 303, "{row}: {}", back.text);
        assert!(back.header("location").starts_with("/oauth/feishu/"), "{row}: {}", back.header("location"));
        assert!(!back.header("location").contains("evil"), "{row}: {}", back.header("location"));
        assert!(back.headers.get("set-cookie").is_none(), "{row}");
        assert_eq!(world.status(&session).await, "rejected", "{row}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_description_of_an_error_is_never_shown() {
    let world = World::new().await;
    for (row, text) in [
        ("A37", "<script>alert(1)</script>"),
        ("A37", "\"><img src=x onerror=alert(1)>"),
        ("A37", "{{7*7}}"),
        ("A37", "&lt;b&gt;"),
    ] {
        let (session, link) = world.link(ALICE, READ).await;
        let begun = world.begin(&link).await;
        let location = world.decide(&begun.authorize_url, ALICE, "deny").await;
        let described = super::with(&location, "error_description", Some(text));
        let page = world.come_back(&super::with(&described, "error_uri", Some(text)), &begun.cookie).await;
        assert_eq!(page.mood(), "calm", "{row}");
        for part in [text, "onerror", "alert(1)", "49</"] {
            assert!(!page.reply.text.contains(part), "{row} {text}: {}", page.reply.text);
        }
        assert_eq!(world.status(&session).await, "rejected", "{row}");
    }
    assert_eq!(world.calls("oauth_token").await, 0, "A37");
    world.end().await;
}
