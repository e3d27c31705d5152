//! Frames of the types `EVENT` and `CALLBACK`, read into [`Event`].
//!
//! A tap on a card is JSON in a string, in JSON in a string: `data` → `content` → what we put into the button. Who tapped is
//! what the platform says beside that, never what the button carries. Of all other frames the headers are enough, and of a robot
//! message the organisation, which its headers do not name: it comes only once, so it is recorded before it is acknowledged.
//! Nothing of the data is ever logged: it can hold an authorization code.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::frame::{Frame, Headers};
use crate::domain::clock::Timestamp;
use crate::domain::event::{CardAction, Event, EventKind};
use crate::domain::ids::{AppId, EventId, MAX_ID_BYTES, MessageId, SubjectId, TenantKey};
use crate::platform::button::{Button, Text};

/// The topic of a card tap.
const CARD_TOPIC: &str = "/v1.0/card/instances/callback";

/// What `userIdType` says when `userId` is a unionId.
const UNION_ID: i64 = 2;

/// Why a frame becomes no event: a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unwanted(pub(super) &'static str);

/// Reads an event. Its id is the platform's, which is the same on each redelivery.
pub(super) fn event(app: &AppId, frame: &Frame<'_>) -> Result<Event, Unwanted> {
    let headers = &frame.headers;
    let id = text(headers.event_id.as_ref()).ok_or(Unwanted("event_id"))?;
    let event_type = name(headers.event_type.as_ref()).ok_or(Unwanted("event_type"))?;
    let tenant = headers.event_corp_id.as_ref().map(|corp| TenantKey::parse(&corp.0)).transpose();
    Ok(Event {
        app: app.clone(),
        id: EventId::parse(id).map_err(|_| Unwanted("event_id"))?,
        tenant: tenant.map_err(|_| Unwanted("tenant_key"))?,
        created_at: created_at(headers),
        event_type,
        kind: EventKind::Other,
    })
}

/// Reads a callback. It has no id but the frame's, and comes only once.
pub(super) fn callback(app: &AppId, frame: &Frame<'_>) -> Result<Event, Unwanted> {
    let headers = &frame.headers;
    let id = text(headers.message_id.as_ref()).ok_or(Unwanted("message_id"))?;
    let event_type = name(headers.topic.as_ref()).ok_or(Unwanted("topic"))?;
    let tap = (event_type == CARD_TOPIC).then(|| serde_json::from_str::<Tap<'_>>(&frame.data.0).unwrap_or_default());
    let tenant = match &tap {
        Some(tap) => organisation(tap.corp_id.as_ref()),
        None => {
            organisation(serde_json::from_str::<Robot<'_>>(&frame.data.0).unwrap_or_default().chatbot_corp_id.as_ref())
        }
    };
    Ok(Event {
        app: app.clone(),
        id: EventId::parse(id).map_err(|_| Unwanted("message_id"))?,
        tenant: tenant.clone(),
        created_at: created_at(headers),
        event_type,
        kind: tap.map_or(EventKind::Other, |tap| EventKind::CardAction(tap.into_domain(tenant))),
    })
}

/// Whether a callback of this topic is answered with content.
pub(super) fn is_tap(event_type: &str) -> bool {
    event_type == CARD_TOPIC
}

fn organisation(corp: Option<&Text<'_>>) -> Option<TenantKey> {
    TenantKey::parse(&corp?.0).ok()
}

fn text<'a>(text: Option<&'a Text<'_>>) -> Option<&'a str> {
    text.map(|text| &*text.0)
}

/// A name, if it is printable and short.
fn name(text: Option<&Text<'_>>) -> Option<String> {
    let name = &text?.0;
    let fits = (1..=MAX_ID_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| name.clone().into_owned())
}

fn created_at(headers: &Headers<'_>) -> Option<Timestamp> {
    let millis = headers.time?.get().trim_matches('"').parse::<i64>().ok().filter(|millis| *millis >= 0)?;
    Some(Timestamp::from_micros(millis.checked_mul(1_000)?))
}

/// What is read of a robot message.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Robot<'a> {
    #[serde(borrow)]
    chatbot_corp_id: Option<Text<'a>>,
}

/// A tap as the platform writes it. Each part may be missing; a part of an unexpected type makes the whole unknown.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Tap<'a> {
    #[serde(borrow)]
    out_track_id: Option<Text<'a>>,
    #[serde(borrow)]
    user_id: Option<Text<'a>>,
    user_id_type: Option<i64>,
    #[serde(borrow)]
    corp_id: Option<Text<'a>>,
    /// JSON in a string.
    #[serde(borrow)]
    content: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Content<'a> {
    #[serde(borrow)]
    card_private_data: Option<Private<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Private<'a> {
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl Tap<'_> {
    fn into_domain(self, tenant: Option<TenantKey>) -> CardAction {
        let content: Content<'_> =
            self.content.as_ref().and_then(|text| serde_json::from_str(&text.0).ok()).unwrap_or_default();
        let params = content.card_private_data.and_then(|private| private.params);
        let button = Button::read(params.map(RawValue::get));
        CardAction {
            operator: self.operator(),
            operator_tenant: tenant,
            auth_session: button.auth_session(),
            message: self.out_track_id.and_then(|track| MessageId::parse(&track.0).ok()),
            choice: button.choice(&Button::default()),
        }
    }

    /// Nobody, unless the platform names them as we know people: who cannot be named for sure must not act.
    fn operator(&self) -> Option<SubjectId> {
        let user = self.user_id.as_ref().filter(|_| self.user_id_type == Some(UNION_ID))?;
        SubjectId::parse(&user.0).ok()
    }
}
