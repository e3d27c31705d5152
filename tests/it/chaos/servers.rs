//! PostgreSQL and MariaDB that go away, hang, or give a transaction up: what cannot be written down is not sent, and what came
//! is saved by whatever number of transactions it takes, of one request.

use cardkey_engines::{Engine, Mortal, Transaction};
use cardkey_sandbox::ALICE;

use super::{NEARLY_OVER, READ};
use crate::harness::{APP, Reply, SCOPES, Setup, World, on};

/// Makes each function, which is given an engine, a test on each server.
macro_rules! on_each_server {
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(cardkey_engines::Engine::Postgres).await; })+
        }
        mod mariadb {
            $(#[tokio::test] async fn $name() { super::$name(cardkey_engines::Engine::MariaDb).await; })+
        }
    };
}

on_each_server!(
    a_restart_of_the_server_loses_nothing,
    connections_that_are_cut_lose_nothing,
    a_claim_that_hangs_sends_nothing,
    a_save_that_hangs_is_repeated_and_the_request_is_not,
    with_all_connections_taken_nothing_is_sent_and_callers_are_told,
);

/// Locks every grant for whoever wants to change it.
const LOCK: &str = "SELECT id FROM grants FOR UPDATE";

/// The server gives a statement this long.
fn statements_take(seconds: &str) -> Setup {
    Setup::default().variable("CARDKEY_DATABASE__STATEMENT_TIMEOUT_SECONDS", seconds)
}

impl World {
    fn url_of_database(&self) -> &str {
        self.database.split('"').nth(1).unwrap()
    }

    async fn spooled(&self) -> u64 {
        self.count("cardkey_refresh_spooled_total").await
    }

    /// What is due is refreshed by one send, and nobody was asked.
    async fn is_refreshed_by_one_send(&self) {
        self.until(async || {
            // The store may still be on its way back.
            drop(self.gateway().grants.run_refreshes(self.now()).await);
            self.get("/v1/grants").await.json()["grants"][0]["generation"] == 2
        })
        .await;
        assert_eq!(self.grants().await[0]["status"], "active");
        assert_eq!(self.sends(), 1);
        assert_eq!(self.messages(ALICE).await.len(), 0);
        self.nothing_is_lost_or_sent_twice().await;
    }
}

async fn a_restart_of_the_server_loses_nothing(engine: Engine) {
    let mut server = Mortal::start(engine);
    // While it is away nobody waits long for a connection.
    let setup = Setup::default().variable("CARDKEY_DATABASE__CONNECT_TIMEOUT_SECONDS", "1");
    let mut world = World::without_gateway(setup).await;
    world.database = format!("url = \"{}\"\npool_size = 2", server.database());
    world.start_gateway().await;
    world.key = world.new_key("reports", &[APP], SCOPES).await;
    world.granted(READ).await;
    world.advance(NEARLY_OVER).await;
    server.stop();
    drop(world.gateway().grants.run_refreshes(world.now()).await);
    assert_eq!(world.sends(), 0, "no send without an intent");
    world.readiness_is("storage unavailable").await;
    server.start_again();
    world.readiness_is("ok").await;
    world.answer_of_due_is_held().await;
    server.stop();
    world.releases_until(async || world.spooled().await == 1).await;
    server.start_again();
    world.is_refreshed_by_one_send().await;
    world.end().await;
}

async fn connections_that_are_cut_lose_nothing(engine: Engine) {
    let test = async {
        let world = World::new().await;
        world.granted(READ).await;
        world.an_answer_is_held().await;
        let name = world.url_of_database().rsplit('/').next().unwrap();
        engine.administer(&match engine {
            Engine::Postgres => {
                format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}';")
            }
            Engine::MariaDb => format!(
                "DELIMITER //\nBEGIN NOT ATOMIC FOR c IN (SELECT id FROM information_schema.processlist WHERE db = '{name}') \
                 DO KILL CONNECTION c.id; END FOR; END //\n"
            ),
        });
        world.release().await;
        world.is_refreshed_by_one_send().await;
        world.end().await;
    };
    on(engine, test).await;
}

async fn a_claim_that_hangs_sends_nothing(engine: Engine) {
    let test = async {
        let world = World::with(statements_take("1")).await;
        let first = world.granted(READ).await.json()["access_token"].clone();
        world.advance(NEARLY_OVER).await;
        let lock = Transaction::begin(engine, world.url_of_database(), LOCK);
        assert_eq!(world.starts().await, 1);
        let reply = world.ask(READ).await;
        assert_eq!((reply.status, &reply.json()["access_token"]), (200, &first), "reading goes on");
        if engine == Engine::Postgres {
            // MariaDB says that the lock took too long, for which the transaction is repeated.
            world.until(async || world.gateway().grants.under_way() == 0).await;
        }
        assert_eq!(world.sends(), 0, "the intent could not be written");
        drop(lock);
        world.is_refreshed_by_one_send().await;
        world.end().await;
    };
    on(engine, test).await;
}

async fn a_save_that_hangs_is_repeated_and_the_request_is_not(engine: Engine) {
    let test = async {
        // PostgreSQL gives no sign within the time of this test; MariaDB gives the transaction up every second.
        let seconds = if engine == Engine::Postgres { "120" } else { "1" };
        let world = World::with(statements_take(seconds)).await;
        world.granted(READ).await;
        world.an_answer_is_held().await;
        let lock = Transaction::begin(engine, world.url_of_database(), LOCK);
        // A kill would lose nothing from now on.
        world.releases_until(async || world.spooled().await == 1).await;
        assert_eq!(world.grants().await[0]["generation"], 1);
        drop(lock);
        world.is_refreshed_by_one_send().await;
        world.end().await;
    };
    on(engine, test).await;
}

async fn with_all_connections_taken_nothing_is_sent_and_callers_are_told(engine: Engine) {
    let test = async {
        let setup = Setup::default()
            .variable("CARDKEY_DATABASE__POOL_SIZE", "1")
            .variable("CARDKEY_DATABASE__MAX_OVERFLOW", "0")
            .variable("CARDKEY_DATABASE__CONNECT_TIMEOUT_SECONDS", "1");
        let mut world = World::without_gateway(setup).await;
        world.database = world.database.replace("\npool_size = 2", "");
        world.start_gateway().await;
        world.key = world.new_key("reports", &[APP], SCOPES).await;
        world.granted(READ).await;
        world.advance(NEARLY_OVER).await;
        let lock = Transaction::begin(engine, world.url_of_database(), LOCK);
        assert_eq!(world.starts().await, 1);
        let told = |reply: &Reply| (reply.status, reply.problem()) == (503, "storage-unavailable".into());
        world.until(async || told(&world.ask(READ).await)).await;
        assert_eq!(world.sends(), 0);
        drop(lock);
        world.is_refreshed_by_one_send().await;
        assert_eq!(world.ask(READ).await.status, 200);
        world.end().await;
    };
    on(engine, test).await;
}
