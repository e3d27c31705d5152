//! A card tap in the form before the envelopes: `card.action.trigger_v1`, only ever posted.
//!
//! It is flat and has no id of its own. The card token in it is made for one tap, so it stands for the id; the app is the one
//! that it was posted and signed for.

use serde::Deserialize;

use super::{Action, Context, EventReader, Operator, Tap, Unreadable};
use crate::domain::clock::Timestamp;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::EventId;
use crate::platform::button::Text;

/// The name that the platform gives to this form.
const OLD_TAP: &str = "card.action.trigger_v1";

#[derive(Deserialize)]
struct OldTap<'a> {
    #[serde(borrow)]
    open_id: Option<Text<'a>>,
    #[serde(borrow)]
    tenant_key: Option<Text<'a>>,
    #[serde(borrow)]
    open_message_id: Option<Text<'a>>,
    #[serde(borrow)]
    token: Option<Text<'a>>,
    #[serde(borrow)]
    action: Option<Action<'a>>,
}

impl EventReader {
    /// Reads a tap of the older form that was sent at this time.
    pub fn read_old_tap(&mut self, payload: &[u8], at: Timestamp) -> Result<Event, Unreadable> {
        let old: OldTap<'_> = serde_json::from_slice(payload).map_err(|_| Unreadable::Bad("json"))?;
        let token = old.token.ok_or(Unreadable::Unwanted("event_id"))?;
        let id = EventId::parse(&format!("v1.{}", token.0)).map_err(|_| Unreadable::Unwanted("event_id"))?;
        let tenant = self.tenant(old.tenant_key.as_ref())?;
        let tap = Tap {
            operator: Some(Operator { open_id: old.open_id, tenant_key: old.tenant_key }),
            action: old.action,
            context: Some(Context { open_message_id: old.open_message_id }),
        };
        Ok(Event {
            app: self.app.clone(),
            id,
            tenant,
            created_at: Some(at),
            event_type: OLD_TAP.to_owned(),
            kind: EventKind::CardAction(tap.into_domain()),
        })
    }
}
