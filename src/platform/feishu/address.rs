//! The address of a long connection, as the platform hands it out: checked before anything is dialled.
//!
//! What authenticates the stream is TLS to a host that we expect plus the ticket in the address. So the host must be the
//! platform's or the one that we asked, the scheme must be `wss`, and nothing in the address may mean two things to two
//! readers. A plain or loopback address is taken only where the configured base address is one itself: in development.
//! The query holds a ticket: an [`Address`] shows its host only.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// The longest address taken, in bytes.
const MAX_BYTES: usize = 4096;
/// The domains whose subdomains serve long connections.
const DOMAINS: [&str; 3] = [".feishu.cn", ".larksuite.com", ".larkoffice.com"];

/// A checked address.
pub struct Address {
    url: Url,
    service: i32,
}

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
    /// No number in `service_id`, or not exactly one.
    #[error("it has no numeric service_id")]
    Service,
    /// No `device_id`, or not exactly one.
    #[error("it has no device_id")]
    Device,
}

impl Address {
    /// Checks an address that came from the endpoint at `base`.
    pub fn check(text: &str, base: &Url) -> Result<Self, Unfit> {
        let url = parse(text)?;
        check_target(&url, base)?;
        let device = only(&url, "device_id").ok_or(Unfit::Device)?;
        if device.is_empty() {
            return Err(Unfit::Device);
        }
        let service = only(&url, "service_id").ok_or(Unfit::Service)?;
        let service = service.parse().ok().filter(|service| *service >= 0).ok_or(Unfit::Service)?;
        Ok(Self { url, service })
    }

    /// The whole address, with its ticket: for the handshake only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.url.as_str()
    }

    /// The host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    /// Whether TLS is spoken.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// The service id, which every heartbeat repeats.
    #[must_use]
    pub const fn service(&self) -> i32 {
        self.service
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("host", &self.host()).finish_non_exhaustive()
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

fn check_target(url: &Url, base: &Url) -> Result<(), Unfit> {
    let plain_base = base.scheme() == "http" && is_loopback(base);
    match url.scheme() {
        "wss" => {}
        "ws" if plain_base => {}
        _ => return Err(Unfit::Scheme),
    }
    let fits = match url.domain() {
        _ if is_loopback(url) => plain_base || same_host(url, base),
        Some(domain) => url.scheme() == "wss" && (is_platforms(domain) || same_host(url, base)),
        None => false,
    };
    if fits { Ok(()) } else { Err(Unfit::Host) }
}

fn is_platforms(domain: &str) -> bool {
    DOMAINS.iter().any(|suffix| domain.ends_with(suffix))
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

/// The value of a query parameter that occurs exactly once.
fn only(url: &Url, key: &str) -> Option<String> {
    let mut values = url.query_pairs().filter(|(name, _)| name == key).map(|(_, value)| value.into_owned());
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "?fpid=493&aid=552564&device_id=7300001795224579247&service_id=33554678&ticket=CANARY";

    fn check(address: &str, base: &str) -> Result<i32, Unfit> {
        Address::check(address, &Url::parse(base).unwrap()).map(|address| address.service())
    }

    #[test]
    fn takes_the_platforms_addresses() {
        for host in
            ["msg-frontier.feishu.cn", "msg-frontier.larksuite.com", "a.b.larkoffice.com", "open.feishu.cn:8443"]
        {
            let address = format!("wss://{host}/ws/v2{QUERY}");
            assert_eq!(check(&address, "https://open.feishu.cn"), Ok(33_554_678), "{host}");
        }
        let own = format!("wss://gateway.example/ws{QUERY}");
        assert_eq!(check(&own, "https://gateway.example"), Ok(33_554_678));
    }

    #[test]
    fn w27_refuses_every_other_address() {
        let official = "https://open.feishu.cn";
        let wss = |host: &str| format!("wss://{host}/ws/v2{QUERY}");
        for (address, expected) in [
            (String::new(), Unfit::Empty),
            (format!("ws://msg-frontier.feishu.cn/ws/v2{QUERY}"), Unfit::Scheme),
            (format!("https://msg-frontier.feishu.cn/ws/v2{QUERY}"), Unfit::Scheme),
            (format!("ws://127.0.0.1:1/ws/v2{QUERY}"), Unfit::Scheme),
            (wss("evil.com"), Unfit::Host),
            (wss("evilfeishu.cn"), Unfit::Host),
            (wss("feishu.cn.evil.com"), Unfit::Host),
            (wss("feishu.cn"), Unfit::Host),
            (wss("msg.feishu.cn."), Unfit::Host),
            (wss("10.0.0.1"), Unfit::Host),
            (wss("2130706433"), Unfit::Host),
            (wss("127.0.0.1"), Unfit::Host),
            (wss("[::1]"), Unfit::Host),
            (wss("localhost"), Unfit::Host),
            (wss("user:pass@msg.feishu.cn"), Unfit::Form),
            (wss("@msg.feishu.cn"), Unfit::Form),
            (wss("msg.feishu.cn\\@evil.com"), Unfit::Text),
            (wss("msg.feishu.cn") + "#x", Unfit::Form),
            (wss("msg.feishu.cn") + "\n", Unfit::Text),
            (wss("msg.feishu.cn") + &"x".repeat(1 << 20), Unfit::Text),
            ("wss://msg.feishu.cn/ws?device_id=1".to_owned(), Unfit::Service),
            ("wss://msg.feishu.cn/ws?device_id=1&service_id=abc".to_owned(), Unfit::Service),
            ("wss://msg.feishu.cn/ws?device_id=1&service_id=-1".to_owned(), Unfit::Service),
            ("wss://msg.feishu.cn/ws?device_id=1&service_id=99999999999".to_owned(), Unfit::Service),
            ("wss://msg.feishu.cn/ws?device_id=1&service_id=1&service_id=2".to_owned(), Unfit::Service),
            ("wss://msg.feishu.cn/ws?service_id=1".to_owned(), Unfit::Device),
            ("wss://msg.feishu.cn/ws?service_id=1&device_id=".to_owned(), Unfit::Device),
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
            ("ws://msg.feishu.cn", "http://127.0.0.1:2", false),
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
    fn shows_its_host_only() {
        let address = Address::check(&format!("wss://a.feishu.cn/ws{QUERY}"), &Url::parse("https://x.y").unwrap());
        let address = address.unwrap();
        assert!(!format!("{address:?}").contains("CANARY"));
        assert_eq!((address.host(), address.port(), address.is_tls()), ("a.feishu.cn", 443, true));
    }
}
