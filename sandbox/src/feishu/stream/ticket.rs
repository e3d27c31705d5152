//! Ticket URLs: single-use permission to open one connection.

use std::collections::VecDeque;

use super::{config::SERVICE_ID, source::Random};

/// Tickets that nobody used are forgotten beyond this number, the oldest first.
const KEPT: usize = 4_096;

/// Path of the WebSocket.
pub(super) const PATH: &str = "/ws/v2";

struct Ticket {
    secret: String,
    access_key: String,
    device_id: String,
}

/// The tickets that can still be used.
#[derive(Default)]
pub(super) struct Tickets(VecDeque<Ticket>);

impl Tickets {
    /// A new ticket: its device id and its URL below `base` (`ws://host:port`).
    pub(super) fn issue(&mut self, base: &str, random: &mut Random) -> (String, String) {
        let ticket = Ticket { secret: random.uuid(), access_key: random.hex32(), device_id: device_id(random) };
        // `service_id` is not the first parameter: one official client loses the first one.
        let url = format!(
            "{base}{PATH}?fpid=493&aid=552564&device_id={}&access_key={}&service_id={SERVICE_ID}&ticket={}",
            ticket.device_id, ticket.access_key, ticket.secret
        );
        let device_id = ticket.device_id.clone();
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(ticket);
        (device_id, url)
    }

    /// Uses up the ticket named by a URL's query; gives its device id.
    pub(super) fn redeem(&mut self, query: &str) -> Option<String> {
        let secret = parameter(query, "ticket")?;
        let at = self.0.iter().position(|t| t.secret == secret)?;
        let ticket = self.0.remove(at)?;
        let genuine =
            parameter(query, "access_key")? == ticket.access_key && parameter(query, "device_id")? == ticket.device_id;
        genuine.then_some(ticket.device_id)
    }
}

/// 19 digits, as the platform's connection ids have.
fn device_id(random: &mut Random) -> String {
    (7_300_000_000_000_000_000 + random.next() % 100_000_000_000_000_000).to_string()
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let found = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name)?;
    Some(found.1.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_works_once_and_unaltered() {
        let (mut tickets, mut random) = (Tickets::default(), Random::new(3));
        let (device_id, url) = tickets.issue("ws://h:1", &mut random);
        let query = url.strip_prefix("ws://h:1/ws/v2?").unwrap();
        assert!(query.starts_with("fpid=493&aid=552564&device_id=73"));
        assert_eq!(device_id.len(), 19);
        assert_eq!(tickets.redeem("ticket=x"), None);
        assert_eq!(tickets.redeem(query), Some(device_id));
        assert_eq!(tickets.redeem(query), None);
        let (_, url) = tickets.issue("ws://h:1", &mut random);
        assert_eq!(tickets.redeem(&url.replace("device_id=7", "device_id=8")), None);
    }
}
