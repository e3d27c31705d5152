//! The face that asks, drawn by a card of the operator's made with the platform's card builder.
//!
//! These variables are given to it, all of them text, empty where there is nothing to say:
//!
//! | variable | what it holds |
//! |---|---|
//! | `requesters` | the services that ask, by name |
//! | `reason` | what they say they need it for |
//! | `permissions_zh`, `permissions_en` | the permissions in words, one a line |
//! | `permission_count` | how many there are |
//! | `until_zh`, `until_en` | until when the question stands |
//! | `authorize_url` | where the button that authorizes has to lead |
//! | `auth_session` | what the buttons have to give back |
//! | `user_code` | the code to compare (device authorization) |
//! | `custom_message`, `privacy_url` | as configured |
//! | `again` | `true` when an earlier attempt did not work |
//!
//! Its buttons give back `{"auth_session": "${auth_session}", "act": "authorize"}` or `"reject"`; a form that takes a
//! pasted code has an input named `authorization_code` and gives back the act `"code"`.

use serde_json::{Value, json};

use super::config::CardOptions;
use crate::domain::card::{AskCard, CodeWay};
use crate::platform::card_words::{Room, names, permissions, safe, until};

const MAX_TEXT_CHARS: usize = 400;

/// Draws the face with at most `shown` permissions listed.
pub(super) fn template_card(template_id: &str, options: &CardOptions, ask: &AskCard, shown: usize) -> Value {
    let listed = permissions(&ask.scopes, shown);
    let until = until(ask.expires_at);
    let user_code = match &ask.code_way {
        CodeWay::Device { user_code } => safe(user_code, 64),
        CodeWay::Redirect | CodeWay::Paste => String::new(),
    };
    let variables = json!({
        "requesters": names(&ask.requesters, Room::default()),
        "reason": safe(ask.reason.as_deref().unwrap_or_default(), MAX_TEXT_CHARS),
        "permissions_zh": listed.zh,
        "permissions_en": listed.en,
        "permission_count": ask.scopes.len().to_string(),
        "until_zh": until.zh,
        "until_en": until.en,
        "authorize_url": ask.link.expose(),
        "auth_session": ask.auth_session.as_str(),
        "user_code": user_code,
        "custom_message": safe(options.custom_message.as_deref().unwrap_or_default(), MAX_TEXT_CHARS),
        "privacy_url": options.privacy_url.as_ref().map(url::Url::as_str).unwrap_or_default(),
        "again": ask.again.to_string(),
    });
    json!({"type": "template", "data": {"template_id": template_id, "template_variable": variables}})
}
