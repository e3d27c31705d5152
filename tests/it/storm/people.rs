//! What goes on meanwhile: callers ask both gateways for tokens, people consent anew, take their consent back, are frozen, leave.
//!
//! Everybody takes it as it comes that a gateway is dead at the moment. What a caller is given is looked at: it must be a
//! living token of the person that was asked for.

use std::time::Duration;

use cardkey_sandbox::world::tokens::Owner;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Storm;
use super::plan::Draw;
use crate::harness::{APP, World, hidden};

const READ: &[&str] = &["apaas:app:read"];
const MORE: &[&str] = &["apaas:app:read", "apaas:workspace:read"];

/// Nobody waits longer for a gateway that is stopped.
const PATIENCE: Duration = Duration::from_secs(3);

impl Storm {
    /// One caller, until the storm is over.
    pub(super) async fn call(&self, number: u64) {
        let mut draw = self.plan.draw(100 + number);
        while !self.pause(Duration::from_millis(100)).await {
            let person = draw.one_of(&self.people).clone();
            match self.ask(&mut draw, &person, READ, &json!({})).await {
                Some((200, body)) => self.given(&person, body["access_token"].as_str().unwrap_or_default()),
                Some((202, _)) => self.diary.count("caller told that the person is asked"),
                Some(_) => self.diary.count("caller told to come again"),
                None => self.diary.count("caller found no gateway"),
            }
        }
    }

    async fn ask(&self, draw: &mut Draw, person: &str, scopes: &[&str], more: &Value) -> Option<(u16, Value)> {
        let url = format!("{}/v1/tokens", draw.one_of(&self.replicas).base);
        let request = self.world.http.post(url).bearer_auth(&self.world.key).timeout(PATIENCE);
        let answer = request.json(&World::body(person, scopes, more)).send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.ok()?))
    }

    fn given(&self, person: &str, token: &str) {
        self.diary.count("caller given a token");
        let now_ms = self.now_ms();
        let state = self.world.sandbox.feishu().world.lock();
        let Some(access) = state.tokens.access(token) else {
            return self.diary.wrong(format!("{person}: a caller was given what is no token"));
        };
        let theirs = matches!(access.owner, Owner::Person(owner, _) if state.people.get(owner).open_id == person);
        if !theirs {
            self.diary.wrong(format!("{person}: a caller was given another's token"));
        }
        if access.expires_ms < now_ms - 1_000 {
            self.diary.wrong(format!("I14: {person}: a caller was given a token that ended before"));
        }
    }

    /// People consent anew, again and again.
    pub(super) async fn consent_anew(&self) {
        let mut draw = self.plan.draw(4);
        while !self.pause(draw.within(&self.plan.people_every)).await {
            let person = draw.one_of(&self.people).clone();
            // For more than they have consented to, so that there is something to ask.
            match self.consent(&mut draw, &person).await {
                Some(()) => self.diary.count("consent given anew"),
                None => self.diary.count("consent that came to nothing"),
            }
        }
    }

    async fn consent(&self, draw: &mut Draw, person: &str) -> Option<()> {
        self.diary.open().linked.insert(person.to_owned());
        let (_, asked) = self.ask(draw, person, MORE, &json!({ "notify": "link" })).await?;
        let link = asked["auth_session"]["authorization_uri"].as_str()?;
        let http = &self.world.http;
        let landing = http.get(link).timeout(PATIENCE).send().await.ok()?.text().await.ok()?;
        if !landing.contains("name=\"offered\"") {
            return None;
        }
        let form = [("t", hidden(&landing, "t")), ("offered", hidden(&landing, "offered"))];
        let place = link.split('?').next()?;
        let begun = http.post(place).form(&form).timeout(PATIENCE).send().await.ok()?;
        let cookie = begun.headers().get("set-cookie")?.to_str().ok()?.split(';').next()?.to_owned();
        let authorize = begun.headers().get("location")?.to_str().ok()?.to_owned();
        let url = format!("{}/control/consent", self.world.sandbox.base_url());
        let decided =
            http.post(url).json(&json!({ "authorize_url": authorize, "open_id": person })).send().await.ok()?;
        let back = decided.json::<Value>().await.ok()?["location"].as_str()?.to_owned();
        let come = http.get(&back).header("cookie", &cookie).timeout(PATIENCE).send().await.ok()?;
        let result = come.headers().get("location")?.to_str().ok()?.to_owned();
        let result = Url::parse(&back).ok()?.join(&result).ok()?;
        let page = http.get(result).timeout(PATIENCE).send().await.ok()?.text().await.ok()?;
        page.contains("data-mood=\"good\"").then(|| self.consented(person))
    }

    /// The person has seen that the consent was taken.
    fn consented(&self, person: &str) {
        let state = self.world.sandbox.feishu().world.lock();
        let id = state.people.find(person).unwrap();
        let newest = state.tokens.log().issued().iter().rev().find(|issued| issued.person == id).unwrap().chain;
        self.diary.open().consents.insert(person.to_owned(), newest);
    }

    /// The platform ends what people had, again and again.
    pub(super) async fn take_back(&self) {
        let mut draw = self.plan.draw(5);
        while !self.pause(draw.within(&self.plan.people_every) * 2).await {
            let person = draw.one_of(&self.people).clone();
            self.diary.ended(&person);
            match draw.below(4) {
                0 => {
                    self.diary.open().left.insert(person.clone());
                    self.diary.count("person left the company");
                    self.world.control("departure", &json!({ "open_id": person })).await;
                }
                1 => {
                    self.diary.count("person frozen and thawed");
                    self.world.control("person_status", &json!({ "open_id": person, "frozen": true })).await;
                    sleep(self.plan.timers.retry).await;
                    self.world.control("person_status", &json!({ "open_id": person, "frozen": false })).await;
                }
                _ => {
                    self.diary.count("consent taken back");
                    self.world.control("revoke", &json!({ "open_id": person, "app_id": APP })).await;
                }
            }
        }
    }
}
