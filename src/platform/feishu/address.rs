//! The address of a long connection, as the platform hands it out: what every address must be ([`Target`]), plus the two
//! numbers that this platform puts into its query.

use url::Url;

use crate::platform::dial::{Target, Unfit};

/// The domains whose subdomains serve long connections.
const DOMAINS: &[&str] = &[".feishu.cn", ".larksuite.com", ".larkoffice.com"];

/// A checked address.
#[derive(Debug)]
pub struct Address {
    /// Where it leads.
    pub target: Target,
    /// The service id, which every heartbeat repeats.
    pub service: i32,
}

impl Address {
    /// Checks an address that came from the endpoint at `base`.
    pub fn check(text: &str, base: &Url) -> Result<Self, Unfit> {
        let target = Target::check(text, base, DOMAINS)?;
        if target.only("device_id")?.is_empty() {
            return Err(Unfit::Query("device_id"));
        }
        let service = target.only("service_id")?.parse().ok().filter(|service| *service >= 0);
        Ok(Self { service: service.ok_or(Unfit::Query("service_id"))?, target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "?fpid=493&aid=552564&device_id=7300001795224579247&service_id=33554678&ticket=CANARY";

    fn check(address: &str, base: &str) -> Result<i32, Unfit> {
        Address::check(address, &Url::parse(base).unwrap()).map(|address| address.service)
    }

    #[test]
    fn takes_the_platforms_addresses() {
        for host in
            ["msg-frontier.feishu.cn", "msg-frontier.larksuite.com", "a.b.larkoffice.com", "open.feishu.cn:8443"]
        {
            let address = format!("wss://{host}/ws/v2{QUERY}");
            assert_eq!(check(&address, "https://open.feishu.cn"), Ok(33_554_678), "{host}");
        }
    }

    #[test]
    fn w27_refuses_every_other_address() {
        for (address, expected) in [
            (format!("wss://evilfeishu.cn/ws{QUERY}"), Unfit::Host),
            (format!("wss://feishu.cn.evil.com/ws{QUERY}"), Unfit::Host),
            (format!("wss://feishu.cn/ws{QUERY}"), Unfit::Host),
            ("wss://msg.feishu.cn/ws?device_id=1".to_owned(), Unfit::Query("service_id")),
            ("wss://msg.feishu.cn/ws?device_id=1&service_id=abc".to_owned(), Unfit::Query("service_id")),
            ("wss://msg.feishu.cn/ws?device_id=1&service_id=-1".to_owned(), Unfit::Query("service_id")),
            ("wss://msg.feishu.cn/ws?device_id=1&service_id=99999999999".to_owned(), Unfit::Query("service_id")),
            ("wss://msg.feishu.cn/ws?device_id=1&service_id=1&service_id=2".to_owned(), Unfit::Query("service_id")),
            ("wss://msg.feishu.cn/ws?service_id=1".to_owned(), Unfit::Query("device_id")),
            ("wss://msg.feishu.cn/ws?service_id=1&device_id=".to_owned(), Unfit::Query("device_id")),
        ] {
            assert_eq!(check(&address, "https://open.feishu.cn"), Err(expected), "W27 {address}");
        }
    }
}
