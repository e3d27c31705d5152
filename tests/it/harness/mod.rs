//! A sandbox and a gateway, and the calls that most tests make.

mod addresses;
mod browser;
mod camera;
mod captured;
mod chat;
mod driver;
mod leak_scan;
mod platform;
mod process;
mod seeded;
mod setup;
mod standing;
mod time;
mod visit;
mod world;

pub(crate) use browser::{Browser, Look};
pub(crate) use leak_scan::scan;
pub(crate) use process::{Process, finish};
pub(crate) use setup::{APP, MASTER_KEY, OTHER_APP, SCOPES, Setup};
pub(crate) use visit::{Begun, Page, hidden};
pub(crate) use world::{Reply, World};
