use super::*;

fn card(elements: &Value) -> Value {
    json!({"schema": "2.0", "config": {"update_multi": true}, "body": {"elements": elements}})
}

fn code(card: &Value) -> i64 {
    check(card).map_or_else(|problem| problem.code, |()| 0)
}

fn button(extra: &Value) -> Value {
    let mut button = json!({"tag": "button", "text": {"tag": "plain_text", "content": "Go"}});
    for (name, value) in extra.as_object().unwrap() {
        button[name] = value.clone();
    }
    button
}

#[test]
fn an_authorization_card_passes() {
    let both = json!({"behaviors": [
        {"type": "open_url", "default_url": "https://example.com/a?b=c"},
        {"type": "callback", "value": {"act": "go"}}]});
    let mut card = card(&json!([{"tag": "markdown", "content": "hi"}, {"tag": "hr"}, button(&both)]));
    card["header"] = json!({"template": "blue", "title": {"tag": "plain_text", "content": "t"}});
    assert_eq!(code(&card), 0);
}

#[test]
fn version_1_0_is_refused() {
    assert_eq!(code(&json!({"elements": []})), 200_861);
    assert_eq!(code(&card(&json!([{"tag": "action", "actions": []}]))), 200_861);
    assert_eq!(code(&card(&json!([{"tag": "note", "elements": []}]))), 200_861);
    let mut unshared = card(&json!([]));
    unshared["config"]["update_multi"] = json!(false);
    assert_eq!(code(&unshared), 200_861);
}

#[test]
fn what_is_not_a_card_is_refused() {
    for content in ["", "[]", "{", "\"x\""] {
        assert_eq!(parse(content).unwrap_err().code, 200_621, "{content}");
    }
    assert_eq!(code(&json!({"schema": "2.0"})), 200_621);
    assert_eq!(code(&card(&json!([{"tag": "markdown"}]))), 200_621);
}

#[test]
fn buttons_need_text_known_types_and_readable_behaviors() {
    for extra in [
        json!({"text": null}),
        json!({"type": "huge"}),
        json!({"behaviors": {}}),
        json!({"behaviors": [{"type": "explode"}]}),
        json!({"behaviors": [{"type": "open_url"}]}),
        json!({"behaviors": [{"type": "open_url", "default_url": "not a url"}]}),
        json!({"behaviors": [{"type": "callback", "value": 7}]}),
        json!({"confirm": {"title": "plain"}}),
    ] {
        assert_eq!(code(&card(&json!([button(&extra)]))), 200_621, "{extra}");
    }
}

#[test]
fn element_ids_are_short_and_unique() {
    let with = |ids: [&str; 2]| card(&json!(ids.map(|id| json!({"tag": "hr", "element_id": id}))));
    assert_eq!(code(&with(["a", "b_2"])), 0);
    assert_eq!(code(&with(["a", "a"])), 200_621);
    assert_eq!(code(&with(["a", "9"])), 200_621);
    assert_eq!(code(&with(["a", "a23456789012345678901"])), 200_621);
}

#[test]
fn a_form_has_names_and_a_submit_button() {
    let submit = button(&json!({"name": "send", "form_action_type": "submit"}));
    let form = |elements: Value| card(&json!([{"tag": "form", "name": "f", "elements": elements}]));
    let input = json!({"tag": "input", "name": "reason"});
    assert_eq!(code(&form(json!([input, submit]))), 0);
    assert_eq!(code(&form(json!([input]))), 200_621);
    assert_eq!(code(&form(json!([{"tag": "input"}, submit]))), 200_530);
    assert_eq!(code(&form(json!([input, input, submit]))), 200_621);
    let inside = json!([{"tag": "column_set", "columns": [{"tag": "column", "elements": [submit]}]}]);
    assert_eq!(code(&form(inside)), 0);
}

#[test]
fn there_is_an_end_to_elements() {
    let many: Vec<Value> = (0..201).map(|_| json!({"tag": "hr"})).collect();
    assert_eq!(code(&card(&json!(many))), 11_310);
}

#[test]
fn a_template_is_drawn_as_a_note() {
    let card = parse(r#"{"type":"template","data":{"template_id":"AAq1"}}"#).unwrap();
    assert!(card["body"]["elements"][0]["content"].as_str().unwrap().contains("AAq1"));
    assert_eq!(parse(r#"{"type":"template","data":{}}"#).unwrap_err().code, 200_380);
}
