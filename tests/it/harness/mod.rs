//! A sandbox and a gateway, and the calls that most tests make.

/// Makes each function a test with its databases in files, on PostgreSQL and on MariaDB.
macro_rules! on_each_database {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name().await; })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                crate::harness::on(cardkey_engines::Engine::Postgres, super::$name()).await;
            })+
        }
        mod mariadb {
            $(#[tokio::test] async fn $name() {
                crate::harness::on(cardkey_engines::Engine::MariaDb, super::$name()).await;
            })+
        }
    };
}

/// Makes each function a test with its databases on PostgreSQL and on MariaDB, which gateways can share.
macro_rules! on_each_server {
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[tokio::test] async fn $name() {
                crate::harness::on(cardkey_engines::Engine::Postgres, super::$name()).await;
            })+
        }
        mod mariadb {
            $(#[tokio::test] async fn $name() {
                crate::harness::on(cardkey_engines::Engine::MariaDb, super::$name()).await;
            })+
        }
    };
}

mod addresses;
mod at;
mod browser;
mod camera;
mod captured;
mod chat;
mod disk;
mod driver;
mod leak_scan;
mod platform;
mod process;
#[cfg(feature = "failpoints")]
mod relay;
mod seeded;
mod setup;
mod standing;
mod time;
mod visit;
mod webhook;
mod world;

pub(crate) use addresses::fresh as fresh_address;
pub(crate) use browser::{Browser, Look};
pub(crate) use captured::count_lines;
pub(crate) use disk::Failing;
pub(crate) use leak_scan::{DUMP, scan};
pub(crate) use process::{Process, finish};
#[cfg(feature = "failpoints")]
pub(crate) use relay::Relay;
pub(crate) use seeded::put_grant;
pub(crate) use setup::{API_PORT, APP, MASTER_KEY, OTHER_APP, SCOPES, Setup, on};
pub(crate) use time::MovedClock;
pub(crate) use visit::{Begun, Page, hidden};
pub(crate) use webhook::{ENCRYPT_KEY, seals, verification_token};
pub(crate) use world::{Reply, World};
