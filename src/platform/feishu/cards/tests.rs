//! Each face as the platform gets it, and what must hold for all of them.

use super::*;
use crate::domain::card::{AskCard, CodeWay, EndCard};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AuthSessionId;
use crate::domain::scopes::{MAX_SCOPE_BYTES, MAX_SCOPES, ScopeSet};
use crate::domain::secret::Secret;

const LINK: &str = "https://gw.example/go/abc?x=1&y=2";

fn ask() -> AskCard {
    AskCard {
        auth_session: AuthSessionId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
        requesters: vec!["reports".to_owned(), "sync_job".to_owned()],
        reason: Some("Fill the weekly report from your calendar.".to_owned()),
        scopes: ScopeSet::from_list("calendar:calendar:readonly offline_access x:unknown"),
        expires_at: Timestamp::from_secs(1_795_000_000),
        link: Secret::new(LINK.to_owned()),
        code_way: CodeWay::Redirect,
        again: false,
    }
}

fn end() -> EndCard {
    EndCard {
        requesters: vec!["reports".to_owned()],
        scopes: ScopeSet::from_list("im:message offline_access"),
        missing: ScopeSet::from_list("im:message"),
    }
}

fn detailed() -> CardOptions {
    CardOptions { privacy_url: "https://example.com/privacy".parse().ok(), ..CardOptions::default() }
}

fn concise() -> CardOptions {
    CardOptions {
        include_description: false,
        custom_message: Some("Questions? Ask the helpdesk.".to_owned()),
        ..detailed()
    }
}

fn with_template() -> CardOptions {
    CardOptions { template_id: Some("AAqk1".to_owned()), ..concise() }
}

fn faces() -> Vec<(&'static str, Value)> {
    let device = CodeWay::Device { user_code: "ABCD-1234".to_owned() };
    vec![
        ("ask_detailed", card(&detailed(), &Card::Ask(ask()))),
        ("ask_concise", card(&concise(), &Card::Ask(ask()))),
        ("ask_again", card(&detailed(), &Card::Ask(AskCard { again: true, reason: None, ..ask() }))),
        ("ask_device", card(&concise(), &Card::Ask(AskCard { code_way: device, ..ask() }))),
        ("ask_paste", card(&concise(), &Card::Ask(AskCard { code_way: CodeWay::Paste, ..ask() }))),
        ("granted", card(&detailed(), &Card::Granted(end()))),
        ("rejected", card(&detailed(), &Card::Rejected(end()))),
        ("expired", card(&detailed(), &Card::Expired(end()))),
        ("mismatched", card(&detailed(), &Card::Mismatched(end()))),
        ("failed", card(&detailed(), &Card::Failed(end()))),
        ("cancelled", card(&detailed(), &Card::Cancelled(end()))),
    ]
}

/// All objects in a value, it among them.
fn objects(value: &Value) -> Vec<&serde_json::Map<String, Value>> {
    let children: Vec<&Value> = match value {
        Value::Object(object) => object.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    value.as_object().into_iter().chain(children.into_iter().flat_map(objects)).collect()
}

#[test]
fn each_face_looks_as_agreed() {
    for (name, face) in faces() {
        insta::assert_json_snapshot!(name, face);
    }
    insta::assert_json_snapshot!("ask_template", card(&with_template(), &Card::Ask(ask())));
}

#[test]
fn every_text_is_there_in_both_languages() {
    for (name, face) in faces() {
        let texts: Vec<_> = objects(&face).into_iter().filter(|object| object.contains_key("content")).collect();
        assert!(texts.len() >= 2, "{name}");
        for text in texts {
            for language in ["zh_cn", "en_us"] {
                let words = text["i18n_content"][language].as_str().unwrap();
                assert!(!words.is_empty(), "{name} {language}");
            }
            assert_eq!(text["content"], text["i18n_content"]["zh_cn"], "{name}");
        }
    }
}

#[test]
fn each_end_has_its_own_colour_and_nothing_to_tap() {
    let mut colours: Vec<String> = Vec::new();
    for (name, face) in faces() {
        if !name.starts_with("ask") {
            colours.push(face["header"]["template"].to_string());
            assert!(objects(&face).iter().all(|object| object.get("tag") != Some(&json!("button"))), "{name}");
        }
    }
    let all = colours.len();
    colours.sort_unstable();
    colours.dedup();
    assert_eq!((all, colours.len()), (6, 6));
}

#[test]
fn text_of_others_cannot_become_markup() {
    let evil = "<at id=all></at> [x](https://e.example) **b** `c` <font color='red'>f</font> ![i](k) :OK: ~~s~~";
    let evil_ask = AskCard { requesters: vec![evil.to_owned()], reason: Some(evil.to_owned()), ..ask() };
    let options = CardOptions { custom_message: Some(evil.to_owned()), privacy_url: None, ..detailed() };
    let evil_end = EndCard { requesters: vec![evil.to_owned()], ..end() };
    for face in [Card::Ask(evil_ask), Card::Granted(evil_end)] {
        let text = card(&options, &face).to_string();
        for markup in ["<at", "](https", "![", "`", ":OK:", "~~", "<font color='red'"] {
            assert!(!text.contains(markup), "{markup} in {text}");
        }
        assert!(text.contains("&#60;at id&#61;all"), "{text}");
    }
    let template = CardOptions { template_id: Some("t".to_owned()), ..options };
    let evil_ask = AskCard { requesters: vec![evil.to_owned()], reason: Some(evil.to_owned()), ..ask() };
    let drawn = card(&template, &Card::Ask(evil_ask));
    for name in ["requesters", "reason", "custom_message"] {
        let text = drawn["data"]["template_variable"][name].as_str().unwrap();
        assert!(!text.contains(['<', '[', '*', '`', '~', '(']), "{name}: {text}");
    }
}

#[test]
fn the_largest_card_fits() {
    let long = |number: usize| format!("{number:03}:{}", "<".repeat(MAX_SCOPE_BYTES - 4));
    let names: Vec<String> = (0..MAX_SCOPES).map(long).collect();
    let scopes = ScopeSet::parse(names.iter().map(String::as_str)).unwrap();
    let huge = "<😀\"\\\n中".repeat(1_000);
    let requesters = vec![huge.clone(); 100];
    for link_bytes in [100, 2048, 8000] {
        for (options, code_way) in [
            (detailed(), CodeWay::Paste),
            (concise(), CodeWay::Device { user_code: huge.clone() }),
            (with_template(), CodeWay::Device { user_code: huge.clone() }),
        ] {
            let options = CardOptions { custom_message: Some(huge.clone()), ..options };
            let link = Secret::new(format!("https://gw.example/{}", "x".repeat(link_bytes - 19)));
            let (requesters, reason, scopes) = (requesters.clone(), Some(huge.clone()), scopes.clone());
            let face = Card::Ask(AskCard { requesters, reason, scopes, link, code_way, ..ask() });
            assert_fits(&options, &face);
        }
    }
    for face in [Card::Granted, Card::Failed] {
        assert_fits(
            &detailed(),
            &face(EndCard { requesters: requesters.clone(), scopes: scopes.clone(), missing: scopes.clone() }),
        );
    }
}

fn assert_fits(options: &CardOptions, face: &Card) {
    let body = json!({"content": card_content(options, face)}).to_string();
    assert!(body.len() <= MAX_CARD_BYTES + 20, "{} bytes", body.len());
    let drawn = card(options, face);
    assert!(objects(&drawn).len() < 150);
    assert!(drawn.get("schema").is_none() || !drawn["body"]["elements"].as_array().unwrap().is_empty());
}

#[test]
fn a_long_list_says_how_much_is_missing() {
    let names: Vec<String> = (0..MAX_SCOPES).map(|number| format!("a:{number:03}")).collect();
    let scopes = ScopeSet::parse(names.iter().map(String::as_str)).unwrap();
    let text = card(&detailed(), &Card::Ask(AskCard { scopes, ..ask() })).to_string();
    assert!(text.contains("a&#58;059") && !text.contains("a&#58;060"));
    assert!(text.contains("and 140 more") && text.contains("以及另外 140 项"));
    let requesters: Vec<String> = (0..8).map(|number| format!("svc{number}")).collect();
    let text = card(&detailed(), &Card::Ask(AskCard { requesters, ..ask() })).to_string();
    assert!(text.contains("svc4") && !text.contains("svc5") && text.contains("and 3 more"));
}

#[test]
fn toasts_have_a_kind_and_both_languages() {
    for (face, kind) in [
        (Toast::Continue, "info"),
        (Toast::Rejected, "info"),
        (Toast::CodeTaken, "success"),
        (Toast::CodeUnusable, "error"),
        (Toast::NotForYou, "warning"),
        (Toast::AlreadyGranted, "success"),
        (Toast::AlreadyOver, "info"),
        (Toast::UnknownCard, "error"),
    ] {
        let drawn = toast(face);
        assert_eq!(drawn["type"], kind);
        assert_eq!(drawn["content"], drawn["i18n"]["zh_cn"]);
        assert_ne!(drawn["i18n"]["zh_cn"], drawn["i18n"]["en_us"]);
    }
}
