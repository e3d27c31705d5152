//! Requests in, events and answers out. The golden ones were made with other libraries than ours and are taken by the
//! official Python client (lark-oapi 1.7.5).

use aws_lc_rs::cipher::{EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};

use super::*;
use crate::domain::card::{Card, EndCard, Toast};
use crate::domain::clock::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::scopes::ScopeSet;

const GOLDEN: &str = include_str!("../../../../tests/fixtures/feishu/webhook_requests.json");
const KEY: &str = "golden encrypt key 7f3a";
const TOKEN: &str = "golden-verification-token-51c0";
const NOW: i64 = 1_763_712_000;

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW)
    }
}

fn renderer() -> Renderer {
    Renderer { toast: |_| json!({ "content": "ok" }), card: Arc::new(|_| json!({ "schema": "2.0" })) }
}

fn webhook(verification_token: Option<&str>) -> FeishuWebhook {
    let secret = |text: &str| Secret::new(text.to_owned());
    let keys = Keys { encrypt_key: secret(KEY), verification_token: verification_token.map(secret) };
    FeishuWebhook::new(AppId::parse("cli_a1b2c3d4e5f60718").unwrap(), keys, renderer(), Arc::new(StoppedClock))
}

/// A request: headers and body.
type Request = (Vec<(&'static str, String)>, Vec<u8>);

fn golden(name: &str) -> Request {
    let all: Value = serde_json::from_str(GOLDEN).unwrap();
    let one = all["requests"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
    let header = |name| one["headers"][name].as_str().map(|value| (name, value.to_owned()));
    let names = ["X-Lark-Request-Timestamp", "X-Lark-Request-Nonce", "X-Lark-Signature"];
    (names.into_iter().filter_map(header).collect(), one["body"].as_str().unwrap().as_bytes().to_vec())
}

fn sealed_under(key: &str, plain: &str) -> String {
    let key = UnboundCipherKey::new(&aws_lc_rs::cipher::AES_256, digest(&SHA256, key.as_bytes()).as_ref()).unwrap();
    let (iv, mut sealed) = ([7; 16], plain.as_bytes().to_vec());
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap().less_safe_encrypt(&mut sealed, context).unwrap();
    json!({ "encrypt": STANDARD.encode([&iv[..], &sealed].concat()) }).to_string()
}

fn signed_at(seconds: &str, nonce: &str, body: &str) -> Request {
    let signature = digest(&SHA256, format!("{seconds}{nonce}{KEY}{body}").as_bytes());
    with(seconds, nonce, signature.as_ref(), body)
}

fn with(seconds: &str, nonce: &str, signature: &[u8], body: &str) -> Request {
    let headers = vec![
        ("X-Lark-Request-Timestamp", seconds.to_owned()),
        ("X-Lark-Request-Nonce", nonce.to_owned()),
        ("X-Lark-Signature", hex::encode(signature)),
    ];
    (headers, body.as_bytes().to_vec())
}

fn signed(body: &str) -> Request {
    signed_at(&NOW.to_string(), "n", body)
}

fn send(webhook: &FeishuWebhook, (headers, body): &Request) -> Result<Received, Unwelcome> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, HeaderValue::from_str(value).unwrap());
    }
    webhook.receive(&map, body)
}

fn refusal(webhook: &FeishuWebhook, request: &Request) -> Option<Unwelcome> {
    send(webhook, request).err()
}

fn event(received: Result<Received, Unwelcome>) -> (Event, Answer) {
    match received {
        Ok(Received::Event { event, answer }) => (*event, answer),
        Ok(_) => panic!("no event"),
        Err(unwelcome) => panic!("{unwelcome}"),
    }
}

fn event_body(app: &str, token: &str) -> String {
    json!({ "schema": "2.0", "event": {}, "header": {
        "event_id": "e-1", "event_type": "im.message.receive_v1", "app_id": app, "token": token } })
    .to_string()
}

#[test]
fn golden_the_address_is_ours() {
    for token in [None, Some(TOKEN)] {
        let received = send(&webhook(token), &golden("url_verification"));
        let Ok(Received::Challenge(body)) = received else { panic!("no challenge") };
        assert_eq!(body, r#"{"challenge":"ajls384kdjx98XX 好"}"#);
    }
    assert_eq!(refusal(&webhook(Some("another")), &golden("url_verification")), Some(Unwelcome::Unsigned));
}

#[test]
fn golden_events_of_both_envelopes() {
    for (name, id) in [
        ("event_2_0", "5e3702a84e847582be8db7fb73283c02"),
        ("event_2_0_unsealed_and_spaced", "event-spaced"),
        ("event_1_0", "41b5f371157e3d5341b38b20396e77e3"),
    ] {
        for token in [None, Some(TOKEN)] {
            let (event, answer) = event(send(&webhook(token), &golden(name)));
            assert_eq!((event.id.as_str(), event.tenant.unwrap().as_str()), (id, "736588c9260f175d"), "{name}");
            assert_eq!(answer(&Verdict::accepted()), "{}", "{name}");
        }
        assert_eq!(refusal(&webhook(Some("another")), &golden(name)), Some(Unwelcome::Token), "{name}");
    }
}

fn verdict(toast: bool, card: bool) -> Verdict {
    let end = EndCard { requesters: Vec::new(), scopes: ScopeSet::default(), missing: ScopeSet::default() };
    Verdict {
        toast: toast.then_some(Toast::Rejected),
        card: card.then(|| Box::new(Card::Expired(end))),
        ..Verdict::accepted()
    }
}

#[test]
fn golden_taps_of_both_forms_and_their_answers() {
    let raw = r#""card":{"data":{"schema":"2.0"},"type":"raw"}"#;
    for (name, rows) in [
        (
            "card_action_2_0",
            [
                (verdict(false, false), "{}".to_owned()),
                (verdict(true, false), r#"{"toast":{"content":"ok"}}"#.to_owned()),
                (verdict(true, true), format!(r#"{{{raw},"toast":{{"content":"ok"}}}}"#)),
            ],
        ),
        (
            "card_action_1_0",
            [
                (verdict(false, false), "{}".to_owned()),
                (verdict(true, false), r#"{"toast":{"content":"ok"}}"#.to_owned()),
                (verdict(true, true), r#"{"schema":"2.0","toast":{"content":"ok"}}"#.to_owned()),
            ],
        ),
    ] {
        for (verdict, body) in rows {
            let (event, answer) = event(send(&webhook(Some(TOKEN)), &golden(name)));
            let EventKind::CardAction(tap) = event.kind else { panic!("{name} is no tap") };
            assert_eq!(tap.operator.unwrap().as_str(), "ou_a11ce0a11ce0a11ce0a11ce0a11ce0a1", "{name}");
            assert_eq!(tap.auth_session.unwrap().as_str(), "s-1", "{name}");
            assert_eq!(tap.message.unwrap().as_str(), "om_1", "{name}");
            assert_eq!(answer(&verdict), body, "{name}");
        }
    }
}

#[test]
fn the_older_form_needs_the_verification_token_and_may_carry_nothing_else() {
    assert_eq!(refusal(&webhook(None), &golden("card_action_1_0")), Some(Unwelcome::Signature));
    let (taken, _answer) = event(send(&webhook(Some(TOKEN)), &golden("card_action_1_0")));
    assert_eq!(taken.id.as_str(), "v1.c-295ee57216a5dc9de90fefd0aadb4b1d7e");
    let body = event_body("cli_a1b2c3d4e5f60718", TOKEN);
    let weak = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{NOW}n{TOKEN}{body}").as_bytes());
    let weakly_signed = with(&NOW.to_string(), "n", weak.as_ref(), &body);
    assert_eq!(refusal(&webhook(Some(TOKEN)), &weakly_signed), Some(Unwelcome::Signature));
    assert!(send(&webhook(Some(TOKEN)), &signed(&body)).is_ok(), "the same event, signed as events are");
}

#[test]
fn any_other_byte_is_another_signature() {
    let (headers, body) = golden("event_2_0_unsealed_and_spaced");
    for at in 0..body.len() {
        let mut other = body.clone();
        other[at] ^= 1;
        assert_eq!(refusal(&webhook(None), &(headers.clone(), other)), Some(Unwelcome::Signature), "byte {at}");
    }
    let parsed: Value = serde_json::from_slice(&body).unwrap();
    let again = (headers.clone(), parsed.to_string().into_bytes());
    assert_eq!(refusal(&webhook(None), &again), Some(Unwelcome::Signature), "the same JSON, written anew");
    for (name, value) in [(0, "1763712001"), (1, "another"), (2, &"00".repeat(32))] {
        let mut other = headers.clone();
        value.clone_into(&mut other[name].1);
        assert_eq!(refusal(&webhook(None), &(other, body.clone())), Some(Unwelcome::Signature), "{}", headers[name].0);
    }
}

#[test]
fn headers_that_cannot_be_a_signature_count_as_none() {
    let (headers, body) = golden("event_2_0");
    let changed = |name: usize, value: &str| {
        let mut headers = headers.clone();
        value.clone_into(&mut headers[name].1);
        (headers, body.clone())
    };
    let long = "1".repeat(129);
    for (name, value) in [
        (0, ""),
        (0, "+1763712000"),
        (0, "1e9"),
        (0, long.as_str()),
        (1, ""),
        (1, &long),
        (2, ""),
        (2, "zz"),
        (2, "00"),
    ] {
        assert_eq!(refusal(&webhook(None), &changed(name, value)), Some(Unwelcome::Unsigned), "{name} {value}");
    }
    for name in 0..3 {
        let mut missing = headers.clone();
        missing.remove(name);
        assert_eq!(refusal(&webhook(None), &(missing, body.clone())), Some(Unwelcome::Unsigned), "{name}");
        let mut twice = headers.clone();
        twice.push(headers[name].clone());
        assert_eq!(refusal(&webhook(None), &(twice, body.clone())), Some(Unwelcome::Unsigned), "{name} twice");
    }
}

#[test]
fn five_minutes_and_no_more() {
    let body = event_body("cli_a1b2c3d4e5f60718", "");
    for (offset, refused) in [(-300, false), (300, false), (-301, true), (301, true), (i64::MAX - NOW, true)] {
        let request = signed_at(&(NOW + offset).to_string(), "n", &body);
        assert_eq!(refusal(&webhook(None), &request), refused.then_some(Unwelcome::Stale), "{offset}");
    }
}

#[test]
fn a_request_is_taken_once_unless_it_was_not_stored() {
    let (webhook, request) = (webhook(None), golden("event_2_0"));
    let (_, answer) = event(send(&webhook, &request));
    assert_eq!(refusal(&webhook, &request), Some(Unwelcome::Replayed), "while the first is under way");
    drop(answer);
    let (_, answer) = event(send(&webhook, &request));
    answer(&Verdict::failed());
    let (_, answer) = event(send(&webhook, &request));
    answer(&Verdict::accepted());
    assert_eq!(refusal(&webhook, &request), Some(Unwelcome::Replayed));
}

#[test]
fn the_border_between_time_and_nonce_cannot_be_moved() {
    let (time, body) = (NOW.to_string(), event_body("cli_a1b2c3d4e5f60718", ""));
    let (headers, body) = signed_at(&time, "123", &body);
    for (time, nonce) in [(format!("{time}1"), "23"), (time[..9].to_owned(), "0123")] {
        let mut moved = headers.clone();
        (moved[0].1, moved[1].1) = (time, nonce.to_owned());
        assert_eq!(refusal(&webhook(None), &(moved, body.clone())), Some(Unwelcome::Stale), "{nonce}");
    }
}

#[test]
fn another_app_another_key_and_what_is_no_event() {
    let webhook = webhook(None);
    let foreign = signed(&event_body("cli_ffffffffffffffff", ""));
    assert_eq!(refusal(&webhook, &foreign), Some(Unwelcome::WrongApp));
    let elsewhere = signed(&sealed_under("another key", &event_body("cli_a1b2c3d4e5f60718", "")));
    assert_eq!(refusal(&webhook, &elsewhere), Some(Unwelcome::Unreadable), "signed with our key, sealed with another");
    let deep = format!("{{\"header\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for body in ["", "{", "[]", "null", "{}", r#"{"encrypt":1}"#, r#"{"encrypt":"x"}"#, "{} {}", "\u{feff}{}", &deep] {
        assert_eq!(refusal(&webhook, &signed(body)), Some(Unwelcome::Unreadable), "{body:.40}");
        let sealed = signed(&sealed_under(KEY, body));
        assert_eq!(refusal(&webhook, &sealed), Some(Unwelcome::Unreadable), "sealed {body:.40}");
    }
}

#[test]
fn what_is_of_no_use_is_answered_so_that_it_does_not_come_again() {
    let nameless = json!({ "schema": "2.0", "header": { "app_id": "cli_a1b2c3d4e5f60718" } }).to_string();
    let Ok(Received::Unwanted { why, answer }) = send(&webhook(None), &signed(&nameless)) else { panic!("taken") };
    assert_eq!((why, &answer(&Verdict::accepted())[..]), ("event_id", &b"{}"[..]));
}

#[test]
fn a_question_is_answered_if_it_is_sealed_or_signed() {
    let webhook = webhook(Some(TOKEN));
    let question =
        |token: &str| json!({ "type": "url_verification", "challenge": "\"c\\", "token": token }).to_string();
    let unsigned = |body: &str| (vec![], body.as_bytes().to_vec());
    let wrongly_signed = |body: &str| with(&NOW.to_string(), "n", &[0; 32], body);
    for request in [
        unsigned(&sealed_under(KEY, &question(TOKEN))),
        wrongly_signed(&sealed_under(KEY, &question(TOKEN))),
        signed(&question(TOKEN)),
        signed(&sealed_under(KEY, &question(TOKEN))),
    ] {
        let Ok(Received::Challenge(body)) = send(&webhook, &request) else { panic!("{request:?}") };
        assert_eq!(body, r#"{"challenge":"\"c\\"}"#);
    }
    for (request, why) in [
        (unsigned(&question(TOKEN)), Unwelcome::Unsigned),
        (unsigned(&sealed_under("another key", &question(TOKEN))), Unwelcome::Unsigned),
        (unsigned(&sealed_under(KEY, &question("another"))), Unwelcome::Unsigned),
        (unsigned(&sealed_under(KEY, &event_body("cli_a1b2c3d4e5f60718", TOKEN))), Unwelcome::Unsigned),
        (unsigned("{"), Unwelcome::Unsigned),
        (wrongly_signed(&question(TOKEN)), Unwelcome::Signature),
        (signed(&question("another")), Unwelcome::Token),
    ] {
        assert_eq!(refusal(&webhook, &request), Some(why), "{request:?}");
    }
}
