//! The payload of an ack.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Renderer;
use crate::domain::event::{Outcome, Verdict};

const ACCEPTED: Bytes = Bytes::from_static(br#"{"code":200}"#);
/// With the empty object as data: a callback's answer without data is refused by the platform's clients.
const ACCEPTED_CALLBACK: Bytes = Bytes::from_static(br#"{"code":200,"data":"e30="}"#);
const FAILED: Bytes = Bytes::from_static(br#"{"code":500}"#);

/// Writes the payload of the ack for this verdict.
pub(super) fn payload(verdict: &Verdict, callback: bool, renderer: &Renderer) -> Bytes {
    if verdict.outcome == Outcome::Failed {
        return FAILED;
    }
    let shown = shown(verdict, renderer);
    if shown.is_empty() {
        return if callback { ACCEPTED_CALLBACK } else { ACCEPTED };
    }
    let data = STANDARD.encode(Value::Object(shown).to_string());
    Bytes::from(format!(r#"{{"code":200,"data":"{data}"}}"#))
}

/// What is shown to who tapped: the answer itself, wherever it is posted.
pub(in crate::platform::feishu) fn shown(verdict: &Verdict, renderer: &Renderer) -> Map<String, Value> {
    let mut shown = Map::new();
    if let Some(toast) = verdict.toast {
        shown.insert("toast".to_owned(), (renderer.toast)(toast));
    }
    if let Some(card) = &verdict.card {
        shown.insert("card".to_owned(), wrapped((renderer.card)(card)));
    }
    shown
}

/// An answer names the form of its card: a template already does, a card's own JSON is `raw`.
fn wrapped(card: Value) -> Value {
    if card["type"] == "template" { card } else { json!({ "type": "raw", "data": card }) }
}
