//! Simulators of the chat platforms that Cardkey speaks to: real sockets, scripted faults and a small chat page.
//!
//! What it is for: the gateway's tests and its demo talk to this instead of the real platform. It must not depend on the
//! gateway; wire formats are written twice on purpose, so that a misreading on one side shows.
//!
//! | module | what it is |
//! |---|---|
//! | [`sandbox`] | starts and stops everything; [`Sandbox`] is what tests hold |
//! | [`options`] | what it is started with, and the fixed ids and secrets |
//! | [`feishu`] | the Feishu open platform: HTTP interfaces and the long connection |
//! | [`dingtalk`] | DingTalk: Stream mode, cards, OAuth |
//! | [`wechat`] | WeChat mini-programs: logins, open data, app tokens |
//! | [`chat`] | the chat page and its JSON |
//! | [`control`] | the HTTP interface for tests: faults, people, consents, the request log |
//! | [`pages`] | all HTML, CSS and JavaScript |
//! | [`site`], [`gate`] | what every platform has; what every request to one passes |
//! | [`params`], [`limits`], [`rotation`], [`docket`], [`viewer`] | what platforms have in common: parameters, rate limits, spent refresh tokens, the judge's notes, who looks at a page |
//! | [`world`] | people, apps, messages, codes, tokens |
//! | [`faults`], [`journal`] | scripted faults; the log of requests |
//! | [`judge`] | whether the clients of the token endpoint kept to the rules |
//! | [`clock`], [`random`] | the owners of time and randomness |
//! | [`websocket`] | what long connections are made of |
//! | [`listener`], [`mod@line`], [`written`], [`tls`] | the HTTP listener, one connection, its answers' way out, certificates |

pub mod chat;
pub mod clock;
pub mod control;
pub mod dingtalk;
pub mod docket;
pub mod faults;
pub mod feishu;
pub mod gate;
pub mod journal;
pub mod judge;
pub mod limits;
pub mod line;
pub mod listener;
pub mod options;
pub mod pages;
pub mod params;
pub mod random;
pub mod rotation;
pub mod sandbox;
pub mod site;
pub mod tls;
pub mod viewer;
pub mod websocket;
pub mod wechat;
pub mod world;
pub mod written;

pub use judge::Verdict;
pub use options::{
    ALICE, AppSpec, BOB, CAROL, DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TENANT_KEY, DINGTALK_CLIENT_ID,
    DINGTALK_CLIENT_SECRET, DINGTALK_CORP_ID, DINGTALK_TEMPLATE, DingTalkOptions, Lifetimes, Options, PersonSpec,
    RefreshMode, StreamOptions, TokenLimit, WECHAT_APP_ID, WECHAT_APP_SECRET,
};
pub use random::fingerprint;
pub use sandbox::{Sandbox, StartError};
