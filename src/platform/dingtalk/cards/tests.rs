//! Every face, and the worst that others could write into one.

use url::Url;

use super::*;
use crate::domain::auth_session::AuthSessionId;
use crate::domain::card::CodeWay;
use crate::domain::clock::Timestamp;
use crate::domain::scopes::ScopeSet;
use crate::domain::secret::Secret;

fn options() -> CardOptions {
    CardOptions {
        template_id: "t.schema".to_owned(),
        include_description: true,
        custom_message: None,
        privacy_url: None,
    }
}

fn ask() -> AskCard {
    AskCard {
        auth_session: AuthSessionId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
        requesters: vec!["reports".to_owned()],
        reason: Some("to plan your week".to_owned()),
        scopes: ScopeSet::from_list("Contact.User.Read openid"),
        expires_at: Timestamp::from_secs(1_800_000_600),
        link: Secret::new("https://gw.example/oauth/dingtalk/ding1/start?t=abc&x=1".to_owned()),
        code_way: CodeWay::Redirect,
        again: false,
    }
}

fn end() -> EndCard {
    let scopes = ScopeSet::from_list("Contact.User.Read Contact.User.mobile openid");
    EndCard { requesters: vec!["reports".to_owned()], missing: ScopeSet::from_list("Contact.User.mobile"), scopes }
}

fn faces() -> Vec<Card> {
    let again = AskCard { again: true, ..ask() };
    let ends = [Card::Granted, Card::Rejected, Card::Expired, Card::Mismatched, Card::Failed, Card::Cancelled];
    [Card::Ask(ask()), Card::Ask(again)].into_iter().chain(ends.into_iter().map(|face| face(end()))).collect()
}

fn value<'a>(variables: &'a Variables, name: &str) -> &'a str {
    variables[name].as_str().unwrap()
}

#[test]
fn the_card_that_asks() {
    let shown = card(&options(), &Card::Ask(ask()));
    insta::assert_snapshot!(value(&shown, "body_en"), @r"
    **reports** would like your permission to use data on your behalf.

    **What for**
    to plan your week

    **Permissions asked for**
    - Read your name and picture
    - Know who you are
    ");
    insta::assert_snapshot!(value(&shown, "note_en"), @"Valid until 2027-01-15 16:10 (UTC+8) Only you can authorize this. Please do not forward it.");
    let buttons: Value = serde_json::from_str(value(&shown, "buttons")).unwrap();
    assert_eq!(buttons[0]["url"], "https://gw.example/oauth/dingtalk/ding1/start?t=abc&x=1");
    assert_eq!(buttons[1]["params"], json!({"auth_session": "01890a5d-ac96-774b-bcce-b302099a8057", "act": "reject"}));
    assert_eq!((&buttons[0]["params"], &buttons[1]["url"]), (&Value::Null, &Value::Null));
}

#[test]
fn each_face_has_its_colour_and_gives_every_variable() {
    let drawn: Vec<Variables> = faces().iter().map(|face| card(&options(), face)).collect();
    let colours: Vec<&str> = drawn.iter().map(|variables| value(variables, "theme")).collect();
    assert_eq!(colours, ["blue", "turquoise", "green", "red", "grey", "orange", "carmine", "wathet"]);
    for variables in &drawn {
        let names: Vec<&str> = variables.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["body", "body_en", "buttons", "note", "note_en", "status", "status_en", "theme", "title", "title_en"]
        );
        assert!(["title", "status", "body"].iter().all(|name| !value(variables, name).is_empty()));
    }
    assert!(drawn[2..].iter().all(|variables| value(variables, "buttons") == "[]"));
    insta::assert_snapshot!(value(&drawn[2], "body_en"), @r"
    You authorized **reports**. There is nothing left for you to do.

    **Permissions granted**
    - Read your name and picture
    - Know who you are

    **Permissions not granted**
    - Read your mobile number
    ");
}

#[test]
fn what_others_wrote_is_no_markup() {
    let hostile = "<at id=all> [x](https://e) **b** # h";
    let face = AskCard { requesters: vec![hostile.to_owned()], reason: Some(hostile.to_owned()), ..ask() };
    let shown = card(&CardOptions { custom_message: Some(hostile.to_owned()), ..options() }, &Card::Ask(face));
    for name in ["body", "body_en"] {
        let text = value(&shown, name);
        assert!(
            !text.contains('<') && !text.contains("](") && !text.contains("**b**") && !text.contains("# h"),
            "{text}"
        );
    }
}

#[test]
fn whatever_others_write_fits() {
    let long = "中".repeat(5_000);
    let scopes: Vec<String> = (0..200).map(|number| format!("{number:03}{}", "s".repeat(125))).collect();
    let scopes = ScopeSet::parse(scopes.iter().map(String::as_str)).unwrap();
    let requesters = vec![long.clone(); 50];
    let privacy_url = Url::parse(&format!("https://example.com/{}", "p".repeat(100))).ok();
    let options = CardOptions { custom_message: Some(long.clone()), privacy_url, ..options() };
    let face = AskCard {
        requesters: requesters.clone(),
        reason: Some(long),
        scopes: scopes.clone(),
        again: true,
        link: Secret::new(format!("https://gw.example/{}", "l".repeat(500))),
        ..ask()
    };
    let end = EndCard { requesters, missing: ScopeSet::from_list("a"), scopes };
    for face in [Card::Ask(face), Card::Granted(end.clone()), Card::Failed(end)] {
        for (name, value) in card(&options, &face) {
            assert!(value.as_str().unwrap().len() <= MAX_VALUE_BYTES, "{name} of {face:?}");
        }
    }
}

#[test]
fn a_toast_is_a_note_for_who_tapped() {
    let shown = toast(Toast::NotForYou);
    assert_eq!(
        (value(&shown, "note"), value(&shown, "note_en")),
        ("此请求不是发给你的", "This request is not for you")
    );
    assert_eq!(shown.len(), 2);
}
