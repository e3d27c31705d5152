//! The platform's event JSON, read into [`Event`].
//!
//! The same JSON comes over the long connection and over a webhook; who delivered it does not matter here. Two envelopes
//! exist: schema 2.0 (`header` + `event`) and the older one (`uuid` + `event`, `type` = `event_callback`). Card taps and
//! the `changes` of people and apps are read further; of all other events the envelope is enough. Texts are borrowed from the payload until they become
//! identifiers. Nothing of the payload is ever logged: it can hold an authorization code.

mod changes;
mod old_tap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::clock::Timestamp;
use crate::domain::event::{CardAction, Event, EventKind};
use crate::domain::ids::{AppId, EventId, MAX_ID_BYTES, MessageId, SubjectId, TenantKey};
use crate::platform::button::{Button, Text};

/// The name of a card tap.
const CARD_ACTION: &str = "card.action.trigger";
/// Names of what is answered with content, not only with a status.
const CALLBACKS: [&str; 2] = [CARD_ACTION, "url.preview.get"];

/// A payload that does not become an event. The word is a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It cannot be read at all.
    #[error("the payload is no event: {0}")]
    Bad(&'static str),
    /// It can be read and must not be handled; it would come again if it were not acknowledged.
    #[error("the event is not for us: {0}")]
    Unwanted(&'static str),
}

/// Whether the platform waits for content in the answer to this event.
#[must_use]
pub fn is_callback(event_type: &str) -> bool {
    CALLBACKS.contains(&event_type)
}

/// Reads the payloads that are pushed to one app.
#[derive(Debug, Clone)]
pub struct EventReader {
    app: AppId,
    /// The tenant seen last: nearly always the next one too, which saves copying it.
    tenant: Option<TenantKey>,
}

impl EventReader {
    /// A reader for the payloads of this app.
    #[must_use]
    pub const fn new(app: AppId) -> Self {
        Self { app, tenant: None }
    }

    /// Reads one payload.
    pub fn read(&mut self, payload: &[u8]) -> Result<Event, Unreadable> {
        // Checked once as a whole: from bytes, the reader would check each string again.
        let payload = std::str::from_utf8(payload).map_err(|_| Unreadable::Bad("json"))?;
        let mut envelope: Envelope<'_> = serde_json::from_str(payload).map_err(|_| Unreadable::Bad("json"))?;
        let facts = envelope.facts()?;
        self.check_app(facts.app.as_ref())?;
        let id = facts.id.ok_or(Unreadable::Unwanted("event_id"))?;
        let id = EventId::parse(&id.0).map_err(|_| Unreadable::Unwanted("event_id"))?;
        let event_type = facts.event_type.ok_or(Unreadable::Unwanted("event_type"))?;
        let event_type = name(event_type).ok_or(Unreadable::Unwanted("event_type"))?;
        Ok(Event {
            app: self.app.clone(),
            id,
            tenant: self.tenant(facts.tenant.as_ref())?,
            created_at: facts.created_at,
            kind: kind(&event_type, envelope.event),
            event_type,
        })
    }

    fn check_app(&self, app: Option<&Text<'_>>) -> Result<(), Unreadable> {
        let ours = app.is_some_and(|app| app.0 == self.app.as_str());
        if ours { Ok(()) } else { Err(Unreadable::Unwanted("foreign_app")) }
    }

    fn tenant(&mut self, text: Option<&Text<'_>>) -> Result<Option<TenantKey>, Unreadable> {
        let Some(text) = text else { return Ok(None) };
        if self.tenant.as_ref().is_none_or(|last| last.as_str() != text.0) {
            self.tenant = Some(TenantKey::parse(&text.0).map_err(|_| Unreadable::Unwanted("tenant_key"))?);
        }
        Ok(self.tenant.clone())
    }
}

/// The name of an event's kind, if it is printable and short.
fn name(text: Text<'_>) -> Option<String> {
    let fits = (1..=MAX_ID_BYTES).contains(&text.0.len()) && text.0.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.0.into_owned())
}

fn kind(event_type: &str, body: Option<&RawValue>) -> EventKind {
    if event_type != CARD_ACTION {
        return changes::read(event_type, body).map_or(EventKind::Other, EventKind::Change);
    }
    let tap = body.and_then(|body| serde_json::from_str::<Tap<'_>>(body.get()).ok());
    EventKind::CardAction(tap.unwrap_or_default().into_domain())
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    header: Option<Head<'a>>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    // The older envelope.
    #[serde(borrow)]
    uuid: Option<Text<'a>>,
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    event_id: Option<Text<'a>>,
    #[serde(borrow)]
    event_type: Option<Text<'a>>,
    #[serde(borrow)]
    create_time: Option<&'a RawValue>,
    #[serde(borrow)]
    tenant_key: Option<Text<'a>>,
    #[serde(borrow)]
    app_id: Option<Text<'a>>,
}

/// What the older envelope keeps inside `event`.
#[derive(Deserialize)]
struct OldBody<'a> {
    #[serde(borrow, rename = "type")]
    event_type: Option<Text<'a>>,
    #[serde(borrow)]
    tenant_key: Option<Text<'a>>,
    #[serde(borrow)]
    app_id: Option<Text<'a>>,
}

/// What both envelopes say.
struct Facts<'a> {
    id: Option<Text<'a>>,
    event_type: Option<Text<'a>>,
    created_at: Option<Timestamp>,
    tenant: Option<Text<'a>>,
    app: Option<Text<'a>>,
}

impl<'a> Envelope<'a> {
    fn facts(&mut self) -> Result<Facts<'a>, Unreadable> {
        if let Some(head) = self.header.take() {
            return Ok(Facts {
                id: head.event_id,
                event_type: head.event_type,
                created_at: head.create_time.and_then(|raw| point_in_time(raw.get())),
                tenant: head.tenant_key,
                app: head.app_id,
            });
        }
        let body = self.event.ok_or(Unreadable::Unwanted("event_id"))?;
        let body: OldBody<'a> = serde_json::from_str(body.get()).map_err(|_| Unreadable::Bad("json"))?;
        Ok(Facts {
            id: self.uuid.take(),
            event_type: body.event_type,
            created_at: self.ts.and_then(|raw| point_in_time(raw.get())),
            tenant: body.tenant_key,
            app: body.app_id,
        })
    }
}

/// Reads a time that is written in seconds, milliseconds or microseconds, as text or as a number, with or without a
/// fraction. The magnitude tells the unit: each unit covers the years 1973 to 5138.
fn point_in_time(raw: &str) -> Option<Timestamp> {
    let digits = raw.trim_matches('"').split('.').next()?;
    let number = digits.parse::<i64>().ok().filter(|number| *number >= 0)?;
    let micros = match number {
        100_000_000_000_000.. => number,
        100_000_000_000.. => number.checked_mul(1_000)?,
        _ => number.checked_mul(1_000_000)?,
    };
    Some(Timestamp::from_micros(micros))
}

/// A card tap as the platform writes it. Each part may be missing; a part of an unexpected type makes the whole unknown.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Tap<'a> {
    #[serde(borrow)]
    operator: Option<Operator<'a>>,
    #[serde(borrow)]
    action: Option<Action<'a>>,
    #[serde(borrow)]
    context: Option<Context<'a>>,
}

#[derive(Deserialize)]
struct Operator<'a> {
    #[serde(borrow)]
    open_id: Option<Text<'a>>,
    #[serde(borrow)]
    tenant_key: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    form_value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Context<'a> {
    #[serde(borrow)]
    open_message_id: Option<Text<'a>>,
}

impl Tap<'_> {
    fn into_domain(self) -> CardAction {
        let value = self.action.as_ref().and_then(|action| action.value).map(RawValue::get);
        let form = self.action.as_ref().and_then(|action| action.form_value).map(RawValue::get);
        let unwrapped = value.and_then(unwrap_text);
        let button = Button::read(unwrapped.as_deref().or(value));
        let (operator, operator_tenant) = self.operator.and_then(Operator::into_ids).unzip();
        CardAction {
            operator,
            operator_tenant: operator_tenant.flatten(),
            auth_session: button.auth_session(),
            message: self.context.and_then(|context| MessageId::parse(&context.open_message_id?.0).ok()),
            choice: button.choice(&Button::read(form)),
        }
    }
}

impl Operator<'_> {
    /// Nobody, if either identifier is malformed: who cannot be named for sure must not act.
    fn into_ids(self) -> Option<(SubjectId, Option<TenantKey>)> {
        let subject = SubjectId::parse(&self.open_id?.0).ok()?;
        let tenant = self.tenant_key.map(|text| TenantKey::parse(&text.0)).transpose().ok()?;
        Some((subject, tenant))
    }
}

/// A button's value may be JSON inside a JSON string.
fn unwrap_text(raw: &str) -> Option<String> {
    if raw.starts_with('"') { serde_json::from_str(raw).ok() } else { None }
}

#[cfg(test)]
mod tests;
