//! What the gateways' database holds at the end, and what people see in their chats.

use std::collections::HashMap;

use cardkey::domain::grant::GrantStatus;
use cardkey_sandbox::random::Print;
use futures_util::StreamExt as _;

use super::Storm;
use super::seeding::{open, subject};

/// Grants read at a time.
const AT_A_TIME: usize = 16;

/// A person's grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// With this refresh token.
    Active(Print),
    NeedsConsent,
}

impl Storm {
    /// Everybody's grant; whoever has left has none.
    pub(super) async fn stored(&self) -> HashMap<String, Stored> {
        let store = open(&self.world).await;
        let read = self.people.iter().map(|person| {
            let store = &store;
            async move {
                let grant = store.grant(&subject(person)).await.unwrap()?;
                let refresh = Print::of(grant.refresh.unwrap().expose());
                let active = grant.facts.status == GrantStatus::Active;
                Some((person.clone(), if active { Stored::Active(refresh) } else { Stored::NeedsConsent }))
            }
        });
        let found: Vec<_> = futures_util::stream::iter(read).buffer_unordered(AT_A_TIME).collect().await;
        store.close().await;
        found.into_iter().flatten().collect()
    }

    /// How many cards each person has.
    pub(super) fn cards(&self) -> HashMap<String, usize> {
        let state = self.world.sandbox.feishu().world.lock();
        let cards = |person: &String| state.messages.of(state.people.find(person).unwrap(), 0).len();
        self.people.iter().map(|person| (person.clone(), cards(person))).filter(|(_, cards)| *cards > 0).collect()
    }
}
