//! Checks a card (JSON 2.0) as the platform does before it takes one, as far as its rules are public.
//!
//! A card that passes can be drawn; one that does not is refused with the platform's sub code. Cards of version 1.0 are
//! refused too: the sandbox draws 2.0 only. A card that names a template passes and is drawn as a note about it.

mod element;

use serde_json::{Map, Value, json};

use self::element::Walk;

/// The most bytes of a card or post.
pub const SIZE_LIMIT: usize = 30 * 1024;

const HEADER_COLOURS: [&str; 13] = [
    "blue",
    "wathet",
    "turquoise",
    "green",
    "yellow",
    "orange",
    "red",
    "carmine",
    "violet",
    "purple",
    "indigo",
    "grey",
    "default",
];

/// Why a card is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("ErrCode: {code}; ErrMsg: {text}")]
pub struct CardProblem {
    /// The platform's sub code, such as 200621 (bad JSON) or 200861 (not allowed in 2.0).
    pub code: i64,
    /// What is wrong, and where.
    pub text: String,
}

/// A card that cannot be read.
fn bad(text: impl Into<String>) -> CardProblem {
    CardProblem { code: 200_621, text: text.into() }
}

/// Something that version 2.0 does not have.
fn not_in_2_0(text: impl Into<String>) -> CardProblem {
    CardProblem { code: 200_861, text: text.into() }
}

/// Reads a card from a message's content string.
pub fn parse(content: &str) -> Result<Value, CardProblem> {
    let card: Value = serde_json::from_str(content).map_err(|error| bad(format!("the card is not JSON: {error}")))?;
    check(&card)?;
    Ok(if card["type"] == "template" { drawn_template(&card) } else { card })
}

/// Checks a card.
pub fn check(card: &Value) -> Result<(), CardProblem> {
    let fields = card.as_object().ok_or_else(|| bad("the card is not a JSON object"))?;
    if card["type"] == "template" {
        let named = card["data"]["template_id"].as_str().is_some_and(|id| !id.is_empty());
        return if named { Ok(()) } else { Err(CardProblem { code: 200_380, text: "no template_id".to_owned() }) };
    }
    if card["schema"] != "2.0" {
        return Err(not_in_2_0("schema must be \"2.0\""));
    }
    check_top(fields)?;
    check_header(&card["header"])?;
    let elements = card["body"]["elements"].as_array().ok_or_else(|| bad("body.elements must be a list"))?;
    let mut walk = Walk::default();
    walk.elements(elements, "body.elements", false)
}

fn check_top(fields: &Map<String, Value>) -> Result<(), CardProblem> {
    if let Some(name) = ["elements", "i18n_elements"].iter().find(|name| fields.contains_key(**name)) {
        return Err(not_in_2_0(format!("{name} at the top level: 2.0 has body.elements")));
    }
    match fields.get("config") {
        Some(Value::Object(config)) if config.get("update_multi") == Some(&json!(false)) => {
            Err(not_in_2_0("config.update_multi can only be true"))
        }
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => Err(bad("config must be an object")),
    }
}

fn check_header(header: &Value) -> Result<(), CardProblem> {
    if header.is_null() {
        return Ok(());
    }
    check_text(&header["title"], "header.title")?;
    match &header["template"] {
        Value::Null => Ok(()),
        Value::String(colour) if HEADER_COLOURS.contains(&colour.as_str()) => Ok(()),
        _ => Err(bad("header.template is no known colour")),
    }
}

/// A text object: `plain_text` or `lark_md` with a `content` string.
fn check_text(text: &Value, place: &str) -> Result<(), CardProblem> {
    let tag = text["tag"].as_str().unwrap_or_default();
    if !["plain_text", "lark_md"].contains(&tag) {
        return Err(bad(format!("{place}.tag must be plain_text or lark_md")));
    }
    if !text["content"].is_string() {
        return Err(bad(format!("{place}.content must be a string")));
    }
    Ok(())
}

/// The sandbox has no templates: it shows which one was asked for, and with what.
fn drawn_template(card: &Value) -> Value {
    let data = &card["data"];
    let text = format!(
        "Template `{}`\n```\n{:#}\n```",
        data["template_id"].as_str().unwrap_or_default(),
        data["template_variable"]
    );
    json!({"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": text}]}})
}

/// A text message as a card, for the chat page.
#[must_use]
pub fn of_text(text: &str) -> Value {
    json!({"schema": "2.0", "body": {"elements": [{"tag": "div", "text": {"tag": "plain_text", "content": text}}]}})
}

#[cfg(test)]
mod tests;
