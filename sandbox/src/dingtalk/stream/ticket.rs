//! Tickets: permission to open one connection, for a minute and a half.

use std::collections::VecDeque;

use super::subscription::Subscriptions;
use crate::websocket::source::Random;

/// Tickets that nobody used are forgotten beyond this number, the oldest first.
const KEPT: usize = 4_096;
/// How long a ticket can be used (ms).
const LIFE_MS: i64 = 90_000;
/// Path of the WebSocket.
pub(super) const PATH: &str = "/connect";

struct Ticket {
    secret: String,
    issued_ms: i64,
    pass: Pass,
}

/// What a ticket says of the connection that it opens.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    /// The platform's name for the connection.
    pub(crate) connection_id: String,
    /// What it wants to hear.
    pub(crate) subscriptions: Subscriptions,
}

/// The tickets that can still be used.
#[derive(Default)]
pub(super) struct Tickets(VecDeque<Ticket>);

impl Tickets {
    /// A new ticket. It needs no escaping in a URL, since some clients do none.
    pub(super) fn issue(&mut self, subscriptions: Subscriptions, random: &mut Random, now_ms: i64) -> (String, Pass) {
        let pass = Pass { connection_id: random.uuid(), subscriptions };
        let secret = random.uuid();
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Ticket { secret: secret.clone(), issued_ms: now_ms, pass: pass.clone() });
        (secret, pass)
    }

    /// Uses up the ticket named by a URL's query.
    pub(super) fn redeem(&mut self, query: &str, now_ms: i64) -> Option<Pass> {
        let named = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "ticket")?;
        let at = self.0.iter().position(|ticket| ticket.secret == named.1)?;
        let ticket = self.0.remove(at)?;
        (now_ms - ticket.issued_ms < LIFE_MS).then_some(ticket.pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_works_once_and_for_ninety_seconds() {
        let (mut tickets, mut random) = (Tickets::default(), Random::new(3));
        let mut issue = |tickets: &mut Tickets| tickets.issue(Subscriptions::default(), &mut random, 0).0;
        let (first, second) = (issue(&mut tickets), issue(&mut tickets));
        assert!(first.chars().all(|one| one.is_ascii_alphanumeric() || one == '-'));
        assert!(tickets.redeem("ticket=x", 0).is_none());
        assert!(tickets.redeem(&format!("ticket={first}"), 89_999).is_some());
        assert!(tickets.redeem(&format!("ticket={first}"), 0).is_none());
        assert!(tickets.redeem(&format!("ticket={second}"), 90_000).is_none());
    }
}
