//! Where a long connection leads, as a platform's endpoint hands it out: checked before anything is dialled.
//!
//! What authenticates a stream is TLS to a host that we expect plus the ticket in the address. So the host must be one of the
//! platform's or the one that we asked, the scheme must be `wss`, and nothing in the address may mean two things to two
//! readers. A plain or loopback address is taken only where the configured base address is one itself: in development.
//! The query holds a ticket: a [`Target`] shows its host only. Knows no platform.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// The longest address taken, in bytes.
const MAX_BYTES: usize = 4096;

/// A checked address.
pub struct Target(Url);

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Empty: the platform has none to give at the moment.
    #[error("it is empty")]
    Empty,
    /// Over 4 KiB or with characters that an address has not.
    #[error("it is too long or has odd characters")]
    Text,
    /// No URL, or one with user information, a fragment or no host.
    #[error("it is no plain URL")]
    Form,
    /// Neither `wss`, nor `ws` where that is allowed.
    #[error("its scheme is not wss")]
    Scheme,
    /// Not a host of the platform's and not the one that we asked.
    #[error("its host is not the platform's")]
    Host,
    /// A part of its query that has to be there once is missing, doubled or no such thing.
    #[error("it has no usable {0}")]
    Query(&'static str),
}

impl Target {
    /// Checks an address that came from the endpoint at `base`. `domains` are those whose subdomains serve long
    /// connections, each with its leading dot.
    pub fn check(text: &str, base: &Url, domains: &[&str]) -> Result<Self, Unfit> {
        let url = parse(text)?;
        check_target(&url, base, domains)?;
        Ok(Self(url))
    }

    /// The same with another part in its query.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.query_pairs_mut().append_pair(name, value);
        self
    }

    /// The value of a part of the query that occurs exactly once.
    pub fn only(&self, name: &'static str) -> Result<String, Unfit> {
        let mut values = self.0.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        values.next().filter(|_| values.next().is_none()).ok_or(Unfit::Query(name))
    }

    /// The whole address, with its ticket: for the handshake only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }

    /// The host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }

    /// Whether TLS is spoken.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.scheme() == "wss"
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("host", &self.host()).finish_non_exhaustive()
    }
}

fn parse(text: &str) -> Result<Url, Unfit> {
    if text.is_empty() {
        return Err(Unfit::Empty);
    }
    if text.len() > MAX_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err(Unfit::Text);
    }
    let url = Url::parse(text).map_err(|_| Unfit::Form)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none() && url.has_host();
    // The parser drops an empty user part; the text must not have had one either.
    if plain && !authority(text).contains('@') { Ok(url) } else { Err(Unfit::Form) }
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("//").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn check_target(url: &Url, base: &Url, domains: &[&str]) -> Result<(), Unfit> {
    let plain_base = base.scheme() == "http" && is_loopback(base);
    match url.scheme() {
        "wss" => {}
        "ws" if plain_base => {}
        _ => return Err(Unfit::Scheme),
    }
    let fits = match url.domain() {
        _ if is_loopback(url) => plain_base || same_host(url, base),
        Some(domain) => url.scheme() == "wss" && (is_below(domain, domains) || same_host(url, base)),
        None => false,
    };
    if fits { Ok(()) } else { Err(Unfit::Host) }
}

fn is_below(domain: &str, domains: &[&str]) -> bool {
    domains.iter().any(|suffix| domain.ends_with(suffix))
}

/// Whether the URL leads to this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

fn same_host(url: &Url, base: &Url) -> bool {
    url.host_str().is_some() && url.host_str() == base.host_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAINS: &[&str] = &[".platform.example", ".other.example"];
    const QUERY: &str = "?id=7300&ticket=CANARY";

    fn check(address: &str, base: &str) -> Result<(), Unfit> {
        Target::check(address, &Url::parse(base).unwrap(), DOMAINS).map(drop)
    }

    #[test]
    fn takes_the_platforms_addresses() {
        for host in ["push.platform.example", "a.b.other.example", "push.platform.example:8443"] {
            assert_eq!(check(&format!("wss://{host}/ws{QUERY}"), "https://api.platform.example"), Ok(()), "{host}");
        }
        assert_eq!(check(&format!("wss://gateway.test/ws{QUERY}"), "https://gateway.test"), Ok(()));
    }

    #[test]
    fn w27_refuses_every_other_address() {
        let official = "https://api.platform.example";
        let wss = |host: &str| format!("wss://{host}/ws/v2{QUERY}");
        for (address, expected) in [
            (String::new(), Unfit::Empty),
            (format!("ws://push.platform.example/ws/v2{QUERY}"), Unfit::Scheme),
            (format!("https://push.platform.example/ws/v2{QUERY}"), Unfit::Scheme),
            (format!("ws://127.0.0.1:1/ws/v2{QUERY}"), Unfit::Scheme),
            (wss("evil.com"), Unfit::Host),
            (wss("evilplatform.example"), Unfit::Host),
            (wss("platform.example.evil.com"), Unfit::Host),
            (wss("platform.example"), Unfit::Host),
            (wss("push.platform.example."), Unfit::Host),
            (wss("10.0.0.1"), Unfit::Host),
            (wss("2130706433"), Unfit::Host),
            (wss("127.0.0.1"), Unfit::Host),
            (wss("[::1]"), Unfit::Host),
            (wss("localhost"), Unfit::Host),
            (wss("user:pass@push.platform.example"), Unfit::Form),
            (wss("@push.platform.example"), Unfit::Form),
            (wss("push.platform.example\\@evil.com"), Unfit::Text),
            (wss("push.platform.example") + "#x", Unfit::Form),
            (wss("push.platform.example") + "\n", Unfit::Text),
            (wss("push.platform.example") + &"x".repeat(1 << 20), Unfit::Text),
            ("no url".to_owned(), Unfit::Text),
            ("nourl".to_owned(), Unfit::Form),
        ] {
            let short = &address[..address.len().min(80)];
            assert_eq!(check(&address, official), Err(expected), "W27 {short}");
        }
    }

    #[test]
    fn w27_loopback_only_in_development() {
        for (address, base, fits) in [
            ("ws://127.0.0.1:18098", "http://127.0.0.1:18098", true),
            ("ws://localhost:1", "http://127.0.0.1:2", true),
            ("ws://[::1]:1", "http://localhost:2", true),
            ("ws://10.0.0.1:1", "http://127.0.0.1:2", false),
            ("ws://evil.com", "http://127.0.0.1:2", false),
            ("ws://push.platform.example", "http://127.0.0.1:2", false),
            ("ws://sandbox", "http://sandbox", false),
            ("wss://localhost:1", "https://localhost:2", true),
            ("wss://127.0.0.1:1", "https://127.0.0.1:2", true),
            ("wss://127.0.0.1:1", "https://localhost:2", false),
            ("ws://localhost:1", "https://localhost:2", false),
            ("wss://10.0.0.1", "https://10.0.0.1", false),
        ] {
            let outcome = check(&format!("{address}/ws/v2{QUERY}"), base);
            assert_eq!(outcome.is_ok(), fits, "W27 {address} from {base}: {outcome:?}");
        }
    }

    #[test]
    fn a_part_of_the_query_is_there_once() {
        let base = Url::parse("https://x.y").unwrap();
        let target = Target::check("wss://a.other.example/ws?id=1&two=1&two=2&none=", &base, DOMAINS).unwrap();
        assert_eq!(target.only("id"), Ok("1".to_owned()));
        assert_eq!(target.only("none"), Ok(String::new()));
        for name in ["two", "three"] {
            assert_eq!(target.only(name), Err(Unfit::Query(name)));
        }
        assert_eq!(target.with("ticket", "a&b c").only("ticket"), Ok("a&b c".to_owned()));
    }

    #[test]
    fn shows_its_host_only() {
        let base = Url::parse("https://x.y").unwrap();
        let target = Target::check(&format!("wss://a.other.example/ws{QUERY}"), &base, DOMAINS).unwrap();
        assert!(!format!("{target:?}").contains("CANARY"));
        assert_eq!((target.host(), target.port(), target.is_tls()), ("a.other.example", 443, true));
    }
}
