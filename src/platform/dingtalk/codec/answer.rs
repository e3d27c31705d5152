//! The data of an ack.
//!
//! The official clients say "later" in three ways; a status beside the code 500 is understood by whoever reads either.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{Form, Renderer};
use crate::domain::event::{Outcome, Verdict};

const SUCCESS: &str = r#"{"status":"SUCCESS","message":"success"}"#;
const LATER: &str = r#"{"status":"LATER","message":"later"}"#;
const NO_RESPONSE: &str = r#"{"response":null}"#;

/// The code and the data of the ack for this verdict.
pub(super) fn answer(verdict: &Verdict, form: Form, renderer: &Renderer) -> (u16, Cow<'static, str>) {
    match (verdict.outcome, form) {
        (Outcome::Accepted, Form::Status) => (200, SUCCESS.into()),
        (Outcome::Failed, Form::Status) => (500, LATER.into()),
        (Outcome::Failed, _) => (500, NO_RESPONSE.into()),
        (Outcome::Accepted, Form::Nothing) => (200, NO_RESPONSE.into()),
        (Outcome::Accepted, Form::Response) => (200, response(verdict, renderer)),
    }
}

/// What is left out stays as it is on the card.
fn response(verdict: &Verdict, renderer: &Renderer) -> Cow<'static, str> {
    let mut shown = Map::new();
    if let Some(card) = &verdict.card {
        shown.insert("cardData".to_owned(), json!({ "cardParamMap": (renderer.card)(card) }));
    }
    if let Some(toast) = verdict.toast {
        shown.insert("userPrivateData".to_owned(), json!({ "cardParamMap": (renderer.toast)(toast) }));
    }
    if shown.is_empty() {
        return NO_RESPONSE.into();
    }
    let by_key = json!({ "updateCardDataByKey": true, "updatePrivateDataByKey": true });
    shown.insert("cardUpdateOptions".to_owned(), by_key);
    json!({ "response": Value::Object(shown) }).to_string().into()
}
