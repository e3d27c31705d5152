//! `.env.example` lists exactly the variables that the configuration knows, each with its default and its key.

use std::collections::BTreeMap;

use cardkey::config::VARIABLES;

const EXAMPLE: &str = include_str!("../.env.example");

/// The variables of the example with their values, and the words of the comment above them.
fn listed() -> BTreeMap<&'static str, (&'static str, String)> {
    let mut found = BTreeMap::new();
    let mut comment = String::new();
    for line in EXAMPLE.lines() {
        match line.strip_prefix('#').unwrap_or(line).split_once('=') {
            Some((name, value)) if is_name(name) => {
                let twice = found.insert(name, (value, comment.clone()));
                assert!(twice.is_none(), "{name} stands in .env.example twice");
            }
            _ if line.is_empty() => comment.clear(),
            _ => comment.extend([line.trim_start_matches('#'), "\n"]),
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[test]
fn every_variable_of_the_configuration_is_in_the_example() {
    let listed = listed();
    let missing: Vec<_> = VARIABLES.iter().map(|it| it.name).filter(|name| !listed.contains_key(name)).collect();
    assert!(missing.is_empty(), "not in .env.example: {missing:?}");
}

#[test]
fn every_variable_of_the_example_is_known_to_the_configuration() {
    let unknown: Vec<_> = listed().into_keys().filter(|name| VARIABLES.iter().all(|it| it.name != *name)).collect();
    assert!(unknown.is_empty(), "in .env.example but read by nobody: {unknown:?}");
}

#[test]
fn each_is_commented_out_with_its_default_and_its_key() {
    let listed = listed();
    for variable in VARIABLES {
        let Some((value, comment)) = listed.get(variable.name) else { continue };
        assert!(EXAMPLE.contains(&format!("\n#{}=", variable.name)), "{} must be commented out", variable.name);
        // A default in words is told in the comment and has no value.
        let literal = !variable.default.contains(' ') || !variable.default.contains(char::is_alphabetic);
        assert_eq!(*value, if literal { variable.default } else { "" }, "the default of {}", variable.name);
        let section = if variable.key.0 == "app" { "apps[0]" } else { variable.key.0 };
        let key = format!("{section}.{}", variable.key.1);
        assert!(comment.contains("->") && comment.contains(&key), "{}: its comment must say -> {key}", variable.name);
    }
}

#[test]
fn a_missing_and_an_unknown_variable_would_be_found() {
    assert!(is_name("CARDKEY_APP__APP_ID") && !is_name(" Make one with: echo \"k1:$(openssl rand -base64 32)\". x"));
    assert!(!listed().contains_key("CARDKEY_NO_SUCH"));
    assert!(listed().len() > 20, "the reading of .env.example finds too little");
}
