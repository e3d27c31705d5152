//! Which platform a world's app is at: whatever differs in the talk with the sandbox, in one place. A test that is told by
//! these words runs at either.

use std::sync::Arc;

use cardkey_sandbox::dingtalk::person;
use cardkey_sandbox::site::Site;
use cardkey_sandbox::{
    DEFAULT_APP_ID, DEFAULT_APP_SECRET, DINGTALK_CLIENT_ID, DINGTALK_CLIENT_SECRET, DINGTALK_TEMPLATE,
};
use serde_json::{Value, json};

use super::setup::{SCOPES, Setup};
use super::world::World;

/// The sandbox's app has every permission: a test that runs at both platforms may ask for the same.
const DINGTALK_SCOPES: &str = "apaas:app:read apaas:workspace:read contact:user.email:readonly offline_access \
                               Contact.User.Read Contact.User.mobile";

/// A platform that the sandbox simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Feishu,
    DingTalk,
}

impl At {
    /// The app of a world.
    pub(crate) const fn app(self) -> &'static str {
        match self {
            Self::Feishu => DEFAULT_APP_ID,
            Self::DingTalk => DINGTALK_CLIENT_ID,
        }
    }

    pub(super) const fn app_secret(self) -> &'static str {
        match self {
            Self::Feishu => DEFAULT_APP_SECRET,
            Self::DingTalk => DINGTALK_CLIENT_SECRET,
        }
    }

    /// Its name in paths and in the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Feishu => "feishu",
            Self::DingTalk => "dingtalk",
        }
    }

    /// What it needs in `[[apps]]` besides.
    pub(super) fn app_lines(self) -> String {
        match self {
            Self::Feishu => String::new(),
            Self::DingTalk => format!("card_template_id = \"{DINGTALK_TEMPLATE}\"\n"),
        }
    }

    /// What the API key of a world may ask for.
    pub(super) const fn scopes(self) -> &'static str {
        match self {
            Self::Feishu => SCOPES,
            Self::DingTalk => DINGTALK_SCOPES,
        }
    }

    /// Where the sandbox has its chat and its control API.
    pub(super) const fn base(self) -> &'static str {
        match self {
            Self::Feishu => "",
            Self::DingTalk => "/dingtalk",
        }
    }

    /// The colour of a message's card, which tells its face.
    pub(super) fn colour(self, message: &Value) -> &Value {
        match self {
            Self::Feishu => &message["card"]["header"]["template"],
            Self::DingTalk => &message["card"]["variables"]["theme"],
        }
    }
}

impl Setup {
    /// With an app at DingTalk.
    pub(crate) fn dingtalk() -> Self {
        Self::at(At::DingTalk)
    }

    /// With an app at this platform.
    pub(crate) fn at(at: At) -> Self {
        Self { at, ..Self::default() }
    }
}

impl World {
    /// The world's app.
    pub(crate) const fn app(&self) -> &'static str {
        self.setup.at.app()
    }

    /// What every simulated platform has: journal, faults, people, the judge.
    pub(crate) fn site(&self) -> &Arc<Site> {
        match self.setup.at {
            At::Feishu => &self.sandbox.feishu().site,
            At::DingTalk => &self.sandbox.dingtalk().site,
        }
    }

    /// What callers call one of the sandbox's people; anybody else is called as they are.
    pub(crate) fn subject(&self, who: &str) -> String {
        let state = self.site().world.lock();
        match (self.setup.at, state.people.find(who)) {
            (At::DingTalk, Some(id)) => person::union_id(state.people.get(id)).to_owned(),
            _ => who.to_owned(),
        }
    }

    /// Where a card's Authorize button leads.
    pub(crate) fn link_of(&self, message: &Value) -> String {
        match self.setup.at {
            At::Feishu => Self::card_link(message),
            At::DingTalk => variable_button(message, "authorize")["url"].as_str().unwrap().to_owned(),
        }
    }

    /// What the control API is told of a tap on a button.
    pub(super) fn tap_of(&self, who: &str, message: &Value, name: &str, form: &Value) -> Value {
        let id = &message["message_id"];
        match self.setup.at {
            At::Feishu => json!({ "open_id": who, "message_id": id, "action": Self::action(message, name, form) }),
            At::DingTalk => {
                let params = &variable_button(message, name)["params"];
                json!({ "open_id": who, "message_id": id, "action_ids": [name], "params": params })
            }
        }
    }

    /// Whom the platform says a token is of, as callers call them.
    pub(crate) async fn owner(&self, token: &str) -> String {
        let base = self.sandbox.base_url();
        let answer =
            |request: reqwest::RequestBuilder| async { request.send().await.unwrap().json::<Value>().await.unwrap() };
        let owner = match self.setup.at {
            At::Feishu => {
                let request = self.http.get(format!("{base}/open-apis/authen/v1/user_info")).bearer_auth(token);
                answer(request).await["data"]["open_id"].clone()
            }
            At::DingTalk => {
                let request = self.http.get(format!("{base}/v1.0/contact/users/me"));
                answer(request.header("x-acs-dingtalk-access-token", token)).await["unionId"].clone()
            }
        };
        owner.as_str().unwrap_or_default().to_owned()
    }
}

/// A button of a card made of variables.
fn variable_button(message: &Value, id: &str) -> Value {
    let buttons: Value = serde_json::from_str(message["card"]["variables"]["buttons"].as_str().unwrap()).unwrap();
    let found = buttons.as_array().unwrap().iter().find(|button| button["id"] == id);
    found.unwrap_or_else(|| panic!("no {id} on {message}")).clone()
}
