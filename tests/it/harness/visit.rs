//! A person with a browser: opens links, presses Continue, decides at the platform, is redirected.

use std::time::Duration;

use cardkey_sandbox::ALICE;
use serde_json::json;
use tokio::time::Instant;

use super::world::{Reply, World};

/// A page that the gateway showed at the end.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) reply: Reply,
}

impl Page {
    /// `good`, `bad`, `calm`, `working`: what the result page says.
    pub(crate) fn mood(&self) -> String {
        attribute(&self.reply.text, "data-mood").unwrap_or_default()
    }
}

/// A browser between the landing page and the callback.
pub(crate) struct Begun {
    pub(crate) authorize_url: String,
    pub(crate) cookie: String,
}

pub(crate) fn attribute(html: &str, name: &str) -> Option<String> {
    let start = html.find(&format!("{name}=\""))? + name.len() + 2;
    let end = html[start..].find('"')? + start;
    Some(html[start..end].replace("&#38;", "&").replace("&amp;", "&").replace("&#34;", "\""))
}

pub(crate) fn hidden(html: &str, name: &str) -> String {
    let field = html.find(&format!("name=\"{name}\"")).expect("the form has this field");
    attribute(&html[field..], "value").unwrap()
}

impl World {
    /// Asks with `notify: link` and gives session and link.
    pub(crate) async fn link(&self, person: &str, scopes: &[&str]) -> (String, String) {
        let reply = self.ask_for(person, scopes, &json!({ "notify": "link" })).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        let link = reply.json()["auth_session"]["authorization_uri"].as_str().unwrap().to_owned();
        (reply.session(), link)
    }

    /// Opens the link and presses Continue.
    pub(crate) async fn begin(&self, link: &str) -> Begun {
        let landing = self.send(self.http.get(link)).await;
        assert_eq!(landing.status, 200, "{}", landing.text);
        let (token, offered) = (hidden(&landing.text, "t"), hidden(&landing.text, "offered"));
        let place = link.split('?').next().unwrap();
        let request = self.http.post(place).form(&[("t", token), ("offered", offered)]);
        let reply = self.send(request).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
        Begun { authorize_url: reply.header("location").to_owned(), cookie }
    }

    /// Decides at the platform; gives the redirect without following it.
    pub(crate) async fn decide(&self, authorize_url: &str, person: &str, decision: &str) -> String {
        let body = json!({ "authorize_url": authorize_url, "open_id": person, "decision": decision });
        self.control("consent", &body).await["location"].as_str().unwrap().to_owned()
    }

    /// Follows the redirect back to the gateway, and stays on the page that it shows, which loads itself anew while the
    /// exchange is under way.
    pub(crate) async fn come_back(&self, location: &str, cookie: &str) -> Page {
        let (mut page, address) = self.returned(location, cookie).await;
        let deadline = Instant::now() + Duration::from_mins(1);
        while let (Some(address), "working") = (&address, page.mood().as_str()) {
            assert!(Instant::now() < deadline, "the exchange does not end: {}", page.reply.text);
            tokio::time::sleep(Duration::from_millis(50)).await;
            page = Page { reply: self.send(self.http.get(address)).await };
        }
        page
    }

    /// The page, and where it is if it is not the answer to the redirect itself.
    async fn returned(&self, location: &str, cookie: &str) -> (Page, Option<String>) {
        let reply = self.send(self.http.get(location).header("cookie", cookie)).await;
        if reply.status != 303 {
            return (Page { reply }, None);
        }
        let address = self.url(reply.header("location"));
        let page = Page { reply: self.send(self.http.get(&address)).await };
        (page, Some(address))
    }

    /// All of it: the link is opened, `person` decides, and sees a page.
    pub(crate) async fn visit(&self, link: &str, person: &str, decision: &str) -> Page {
        let begun = self.begin(link).await;
        let location = self.decide(&begun.authorize_url, person, decision).await;
        self.come_back(&location, &begun.cookie).await
    }

    /// A grant of Alice's for these scopes.
    pub(crate) async fn granted(&self, scopes: &[&str]) -> Reply {
        let (_, link) = self.link(ALICE, scopes).await;
        let page = self.visit(&link, ALICE, "allow").await;
        assert_eq!(page.mood(), "good", "{}", page.reply.text);
        let reply = self.ask(scopes).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply
    }
}
