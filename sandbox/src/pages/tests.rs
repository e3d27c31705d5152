//! What the pages promise: escaping, both languages, no exception from the policy, and files that are there.

use super::assets::ASSETS;
use super::*;

const EVIL: &str = "\"><script>alert('x')</script>&";

fn person(open_id: &str, name: &str) -> PersonView {
    PersonView { open_id: open_id.into(), name: name.into(), color: "#0f766e".into() }
}

fn consent(text: &str, lang: Lang) -> AuthorizePage {
    AuthorizePage {
        app_name: text.into(),
        scopes: vec![ScopeLine { name: text.into(), words_zh: text.into(), words_en: text.into() }],
        person: person("ou_a", text),
        people: vec![person("ou_a", text), person("ou_b", "Bob")],
        form_action: text.into(),
        hidden: vec![("state".into(), text.into())],
        lang,
    }
}

fn device_page(user_code: Option<&str>) -> DevicePage {
    let AuthorizePage { app_name, scopes, person, people, form_action, hidden, lang } = consent("Demo", Lang::En);
    DevicePage { app_name, scopes, person, people, form_action, hidden, lang, user_code: user_code.map(Into::into) }
}

/// Every page that Rust renders, with `text` wherever a caller's text goes.
fn every_page(text: &str, lang: Lang) -> Vec<String> {
    let with_code = DevicePage { lang, app_name: text.into(), ..device_page(Some(text)) };
    let without_code = DevicePage { lang, form_action: text.into(), ..device_page(None) };
    vec![
        authorize(&consent(text, lang)),
        device(&with_code),
        device(&without_code),
        problem(&ProblemPage { code: "20029".into(), title: text.into(), text: text.into(), lang }),
        done(&DonePage { approved: true, lang }),
        done(&DonePage { approved: false, lang }),
    ]
}

#[test]
fn texts_are_escaped_everywhere() {
    for page in every_page(EVIL, Lang::En) {
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(!page.contains("\"><script"), "{page}");
    }
}

#[test]
fn every_page_holds_both_languages_and_starts_in_the_asked_one() {
    for (lang, tag) in [(Lang::Zh, "zh-CN"), (Lang::En, "en")] {
        for page in every_page("Demo", lang) {
            assert!(page.contains(&format!("<html lang=\"{tag}\">")), "{page}");
            assert!(page.contains("沙盒 — 不是真实平台"), "{page}");
            assert!(page.contains("sandbox — not a real platform"), "{page}");
        }
    }
    assert!(authorize(&consent("Demo", Lang::Zh)).contains(">授权 · Cardkey sandbox</title>"));
    assert!(authorize(&consent("Demo", Lang::En)).contains(">Allow access · Cardkey sandbox</title>"));
}

#[test]
fn no_page_needs_an_exception_from_the_policy() {
    let mut pages = every_page("Demo", Lang::En);
    pages.extend([chat().to_owned(), dingtalk_chat(), mini_program().to_owned()]);
    for page in pages {
        assert!(!page.contains(" style="), "{page}");
        assert!(!page.contains("<style"), "{page}");
        assert!(!page.contains(" onclick="), "{page}");
        assert_eq!(page.matches("<script").count(), page.matches("<script type=\"module\" src=\"/assets/").count());
        assert!(!page.contains("http://") && !page.contains("https://"), "an external address in {page}");
    }
}

#[test]
fn consent_offers_every_account_and_preselects_the_signed_in_one() {
    let page = authorize(&consent("Demo", Lang::En));
    assert!(page.contains("data-as=\"ou_a\"") && page.contains("data-as=\"ou_b\""));
    assert_eq!(page.matches(" checked>").count(), 1);
    assert!(page.contains("value=\"ou_a\" data-person=\"Demo\" checked>"));
    assert!(page.contains("name=\"decision\" value=\"allow\" data-decision=\"allow\""));
    assert!(page.contains("name=\"decision\" value=\"deny\" data-decision=\"deny\""));
    assert!(page.contains("<input type=\"hidden\" name=\"state\" value=\"Demo\">"));
}

#[test]
fn somebody_outside_the_list_is_offered_first() {
    let page = AuthorizePage { person: person("ou_z", "Zoe"), ..consent("Demo", Lang::En) };
    let html = authorize(&page);
    assert!(html.contains("value=\"ou_z\" data-person=\"Zoe\" checked>"));
    assert_eq!(html.matches(" checked>").count(), 1);
}

#[test]
fn no_scopes_still_says_what_the_app_learns() {
    let page = AuthorizePage { scopes: Vec::new(), ..consent("Demo", Lang::En) };
    assert!(authorize(&page).contains("Know who you are"));
}

#[test]
fn device_page_compares_a_known_code_and_asks_for_an_unknown_one() {
    let known = device(&device_page(Some("WDJB-MJHT")));
    assert!(known.contains("<output data-user-code>WDJB-MJHT</output>") && known.contains("data-decision=\"allow\""));
    let unknown = device(&device_page(None));
    assert!(unknown.contains("method=\"get\"") && unknown.contains("name=\"user_code\""));
    assert!(!unknown.contains("data-decision"));
}

#[test]
fn problems_show_their_code_and_known_ones_how_to_mend_them() {
    let page = |code: i64| {
        problem(&ProblemPage { code: code.to_string(), title: "t".into(), text: "x".into(), lang: Lang::En })
    };
    for code in [20010, 20027, 20029] {
        assert!(
            page(code).contains(&format!("data-problem-code=\"{code}\"")) && page(code).contains("class=\"advice\"")
        );
    }
    assert!(!page(1).contains("class=\"advice\""));
}

#[test]
fn the_second_chat_page_asks_its_own_platform() {
    let page = dingtalk_chat();
    for part in
        ["data-base=\"/dingtalk\"", "/assets/dingtalk.css", "钉钉聊天 ·", ">DingTalk chat ·", "href=\"/dingtalk\""]
    {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn assets_are_found_by_name_and_by_path() {
    for (name, kind, bytes) in ASSETS {
        assert!(!bytes.is_empty(), "{name} is empty");
        for path in [(*name).to_owned(), format!("assets/{name}"), format!("/assets/{name}")] {
            assert_eq!(asset(&path), Some((*kind, *bytes)));
        }
    }
    for path in ["", "/", "assets/", "/assets/../pages.rs", "chat.html", "/assets/assets/chat.js"] {
        assert_eq!(asset(path), None, "{path}");
    }
}

/// Every `/assets/…` in the pages and every module import in the scripts names a file that is there.
#[test]
fn nothing_loads_a_file_that_is_not_there() {
    let scripts = ASSETS.iter().filter(|(_, kind, _)| kind.starts_with("text/javascript"));
    let imports: Vec<_> =
        scripts.flat_map(|(_, _, bytes)| quoted(&String::from_utf8_lossy(bytes), "from \"./")).collect();
    let mut pages = every_page("Demo", Lang::En);
    pages.extend([chat().to_owned(), dingtalk_chat()]);
    let loads: Vec<_> = pages.iter().flat_map(|page| quoted(page, "\"/assets/")).collect();
    assert!(loads.len() > 10 && imports.len() > 10);
    for name in loads.iter().chain(&imports) {
        assert!(asset(name).is_some(), "{name}");
    }
}

/// What stands between `before` and the next double quote, each time.
fn quoted(text: &str, before: &str) -> Vec<String> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[test]
fn language_is_chosen_by_switch_then_browser_then_person() {
    let choose = Lang::choose;
    assert_eq!(choose(Some("en"), Some("zh"), Some("zh-CN")), Lang::En);
    assert_eq!(choose(None, Some("zh_cn"), Some("en")), Lang::En);
    assert_eq!(choose(None, Some("zh_cn"), Some("de")), Lang::Zh);
    assert_eq!(choose(Some("??"), None, Some("fr, en;q=0.5, zh-TW;q=0.8")), Lang::Zh);
    assert_eq!(choose(None, None, Some("zh;q=0, en;q=0.1")), Lang::En);
    assert_eq!(choose(None, Some("fr"), Some("de")), Lang::En);
    assert_eq!(choose(None, None, None), Lang::En);
}
