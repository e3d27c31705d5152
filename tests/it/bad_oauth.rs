//! Bad input, group A: what comes back through people's browsers. The rows A38 to A48, what comes back from the
//! platform, stand in `bad_answers`.

mod callbacks;
mod elsewhere;
mod ignored;
mod links;
mod persons;
mod timing;

use cardkey_sandbox::ALICE;
use url::Url;

use crate::harness::{Begun, World};

const READ: &[&str] = &["apaas:app:read"];

/// A person's browser on its way: the link was opened, the person has consented, the redirect was not followed yet.
struct Ride {
    session: String,
    link: String,
    begun: Begun,
    location: String,
}

impl Ride {
    /// Alice's.
    async fn of_alice(world: &World) -> Self {
        Self::of(world, ALICE).await
    }

    async fn of(world: &World, person: &str) -> Self {
        let (session, link) = world.link(person, READ).await;
        let begun = world.begin(&link).await;
        let location = world.decide(&begun.authorize_url, person, "allow").await;
        Self { session, link, begun, location }
    }
}

/// The address with this parameter instead of the one of the name, or without it.
fn with(address: &str, name: &str, value: Option<&str>) -> String {
    let mut url = Url::parse(address).unwrap();
    let kept: Vec<_> = url.query_pairs().into_owned().filter(|(found, _)| found != name).collect();
    url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(value.map(|value| (name, value)));
    url.into()
}

/// The value of a parameter.
fn parameter(address: &str, name: &str) -> String {
    let url = Url::parse(address).unwrap();
    let found = url.query_pairs().find(|(found, _)| found == name).unwrap();
    found.1.into_owned()
}

/// Other texts that look like this one: what A34 is about.
fn lookalikes(text: &str) -> Vec<(&'static str, String)> {
    let flip = |at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let swapped: String = text
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    vec![
        ("first character changed", flip(0)),
        ("last character changed", flip(text.len() - 1)),
        ("truncated", text[..text.len() - 1].to_owned()),
        ("lengthened", format!("{text}A")),
        ("padded", format!("{text}=")),
        ("padded twice", format!("{text}==")),
        ("blank behind", format!("{text} ")),
        ("NUL behind", format!("{text}\0")),
        ("other case", swapped),
        ("SQL", format!("{text}' OR '1'='1")),
        ("10 kB", text.repeat(10_240 / text.len())),
    ]
}
