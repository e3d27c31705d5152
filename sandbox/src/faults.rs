//! Scripted faults: rules that meet a request and spoil it, before or after the platform has acted on it.
//!
//! Rules are tried in the order they were added; the first that matches, has been skipped often enough, is not used up and
//! has the request in its share meets it. No rule looks at anything but the [`Call`], so they are the same for every platform.

mod check;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::journal::Call;
use crate::random;

/// Which requests a rule is for. What is left out matches anything.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Name of the interface, such as `oauth_token`.
    pub api: Option<String>,
    /// The OAuth grant type.
    pub grant_type: Option<String>,
    /// The person concerned.
    pub open_id: Option<String>,
    /// The app that calls.
    pub app_id: Option<String>,
}

impl Match {
    fn fits(&self, call: &Call) -> bool {
        let same = |wanted: &Option<String>, is: Option<&str>| wanted.as_deref().is_none_or(|text| is == Some(text));
        same(&self.api, Some(&call.api))
            && same(&self.grant_type, call.grant_type.as_deref())
            && same(&self.open_id, call.open_id.as_deref())
            && same(&self.app_id, call.app_id.as_deref())
    }
}

/// What happens to the request. `act` says whether the platform has done its work before the fault; without it, it never
/// does it (`status`, `raw`, `body`) or does it afterwards (`delay`, `hold`).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Answer with this status and JSON body.
    Status {
        /// HTTP status.
        status: u16,
        /// JSON body.
        #[serde(default)]
        body: Value,
        /// Further headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// See [`Action`].
        #[serde(default)]
        act: bool,
    },
    /// Wait.
    Delay {
        /// How long, in milliseconds.
        ms: u64,
        /// See [`Action`].
        #[serde(default)]
        act: bool,
    },
    /// Close the connection; the platform does nothing.
    Drop,
    /// The platform acts; then the connection is closed without an answer.
    LoseAnswer,
    /// The platform acts; then only the first bytes of its answer are sent and the connection is closed.
    CutAnswer {
        /// How many bytes of the HTTP answer, its head included.
        bytes: usize,
    },
    /// Send these bytes in the answer's place and close the connection.
    Raw {
        /// The bytes, base64.
        bytes_base64: String,
        /// See [`Action`].
        #[serde(default)]
        act: bool,
    },
    /// Answer 200 with this text.
    Body {
        /// The text.
        body_text: String,
        /// Further headers; the content type is JSON unless given here.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// See [`Action`].
        #[serde(default)]
        act: bool,
    },
    /// The platform mixes people up: a refresh is answered with tokens of this person.
    AnotherPerson {
        /// Whose tokens.
        open_id: String,
    },
    /// Wait until the control API releases what is held.
    Hold {
        /// See [`Action`].
        #[serde(default)]
        act: bool,
    },
}

impl Action {
    /// The `kind` of the action.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Delay { .. } => "delay",
            Self::Drop => "drop",
            Self::LoseAnswer => "lose_answer",
            Self::CutAnswer { .. } => "cut_answer",
            Self::Raw { .. } => "raw",
            Self::Body { .. } => "body",
            Self::AnotherPerson { .. } => "another_person",
            Self::Hold { .. } => "hold",
        }
    }

    /// Whether the platform acts on the request at all.
    #[must_use]
    pub const fn acts(&self) -> bool {
        match self {
            Self::Status { act, .. } | Self::Raw { act, .. } | Self::Body { act, .. } => *act,
            Self::Drop => false,
            Self::LoseAnswer
            | Self::CutAnswer { .. }
            | Self::Delay { .. }
            | Self::AnotherPerson { .. }
            | Self::Hold { .. } => true,
        }
    }

    /// Whether an answer of the fault's making takes the place of the platform's.
    #[must_use]
    pub const fn replaces_answer(&self) -> bool {
        matches!(self, Self::Status { .. } | Self::Body { .. } | Self::Raw { .. })
    }

    /// Whether the platform acts before the fault's wait.
    #[must_use]
    pub const fn acts_first(&self) -> bool {
        matches!(self, Self::Delay { act: true, .. } | Self::Hold { act: true })
    }

    /// The bytes that end the connection, if the action ends it.
    #[must_use]
    pub fn last_words(&self) -> Option<Vec<u8>> {
        match self {
            Self::Drop | Self::LoseAnswer => Some(Vec::new()),
            Self::Raw { bytes_base64, .. } => STANDARD.decode(bytes_base64).ok(),
            _ => None,
        }
    }
}

/// A rule as scripted.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which requests.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// How many requests it meets; without it, all.
    #[serde(default)]
    pub times: Option<u64>,
    /// How many matching requests it lets pass first.
    #[serde(default)]
    pub skip: u64,
    /// The share of the others that it meets, from 0 to 1; without it, all. Which ones is pseudo-random.
    #[serde(default)]
    pub share: Option<f64>,
    /// What the choice depends on, besides how many have come before: the same seed, the same choice.
    #[serde(default)]
    pub seed: u64,
    /// What it does to them.
    pub action: Action,
}

/// Why a rule is not taken.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// `bytes_base64` is no base64.
    #[error("bytes_base64 is not base64")]
    Base64,
    /// The status is none.
    #[error("{0} is not an HTTP status")]
    Status(u16),
    /// The share is none.
    #[error("{0} is not a share from 0 to 1")]
    Share(f64),
    /// A header name or value is none.
    #[error("the header {0:?} cannot be sent")]
    Header(String),
}

/// A rule and how often it has met a request.
#[derive(Clone, Debug, Serialize)]
pub struct Armed {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// How many requests it has met.
    pub met: u64,
    /// How many it could have met: they matched and were not skipped.
    pub offered: u64,
}

impl Armed {
    /// Whether the rule meets a request that matches it.
    fn meets(&mut self) -> bool {
        if self.rule.skip > 0 {
            self.rule.skip -= 1;
            return false;
        }
        if self.rule.times.is_some_and(|times| self.met >= times) {
            return false;
        }
        let number = self.offered;
        self.offered += 1;
        let chosen = self.rule.share.is_none_or(|share| random::unit(self.rule.seed, number) < share);
        self.met += u64::from(chosen);
        chosen
    }
}

/// All rules, and the requests they hold.
pub struct Faults {
    rules: Mutex<Vec<Armed>>,
    released: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { rules: Mutex::default(), released: watch::Sender::new(0) }
    }
}

impl Faults {
    /// Adds a rule behind the others.
    pub fn add(&self, rule: Rule) -> Result<(), RuleError> {
        check::check(&rule.action)?;
        if let Some(share) = rule.share.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(RuleError::Share(share));
        }
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(Armed { rule, met: 0, offered: 0 });
        Ok(())
    }

    /// Removes all rules. What is held stays held.
    pub fn clear(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The rules.
    #[must_use]
    pub fn list(&self) -> Vec<Armed> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The action that meets this request, if one does.
    pub fn meet(&self, call: &Call) -> Option<Action> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        for armed in rules.iter_mut().filter(|armed| armed.rule.matches.fits(call)) {
            if armed.meets() {
                return Some(armed.rule.action.clone());
            }
        }
        None
    }

    /// Waits as the action says.
    pub async fn wait(&self, action: &Action) {
        match action {
            Action::Delay { ms, .. } => tokio::time::sleep(Duration::from_millis(*ms)).await,
            Action::Hold { .. } => {
                let mut released = self.released.subscribe();
                let _ = released.changed().await;
            }
            _ => {}
        }
    }

    /// Lets go of every request that is held.
    pub fn release(&self) {
        self.released.send_modify(|count| *count += 1);
    }
}
