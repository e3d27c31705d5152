//! C13: the database fails over to its standby just after the save was acknowledged. If the standby is asynchronous and lags
//! behind, what it does not have is gone: the row is as it was before the save, the token in it is spent, and the person has
//! to be asked. If it is synchronous, nothing is acknowledged that it does not have.

use std::net::SocketAddr;

use cardkey_engines::Failover;
use serde_json::json;

use super::endings::worked;
use super::findings::Finding;
use super::seats::Pace;
use crate::harness::{Relay, Setup, World};

/// How the standby follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standby {
    /// And lags: what the primary has written since the intent has not come.
    Asynchronous,
    Synchronous,
}

impl Standby {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Asynchronous, Self::Synchronous];

    /// As the filter and the report name it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Asynchronous => "asynchronous",
            Self::Synchronous => "synchronous",
        }
    }

    /// As the filter names it.
    pub(super) fn name(self) -> String {
        format!("failover postgres c13 {}", self.word())
    }

    pub(super) async fn run(self) -> Finding {
        let mut servers = tokio::task::block_in_place(Failover::start);
        let (to_clients, to_standby) = (Relay::to(servers.primary()).await, Relay::to(servers.primary()).await);
        let via = to_standby.address.port();
        tokio::task::block_in_place(|| servers.start_standby(via, self == Self::Synchronous));
        let database = format!("postgres://cardkey@{}/{}", to_clients.address, servers.database());
        let world = World::with_a_grant(Setup { database: Some(database), ..Pace::Scaled.setup() }).await;

        let before = world.refreshes_seen();
        world.refresh_fault(&json!({ "kind": "hold", "act": true })).await;
        let process = world.start_process().await;
        world.sandbox.feishu().journal.wait_for(before + 1, worked).await;
        let generation = world.generation().await.unwrap();
        tokio::task::block_in_place(|| servers.caught_up());
        if self == Self::Asynchronous {
            to_standby.shut();
        }
        world.release().await;
        world.in_time(Pace::Scaled, async || world.generation().await > Some(generation)).await;
        let standby: SocketAddr = tokio::task::block_in_place(|| servers.fail_over());
        let lost_ms = world.now_ms();
        to_clients.lead_to(standby);

        let asked = world.ends_asked(Pace::Scaled).await;
        process.stop().await;
        let finding = self.judge(&world, asked, lost_ms);
        world.end_of_many();
        finding
    }

    fn judge(self, world: &World, asked: bool, lost_ms: i64) -> Finding {
        let totals = world.sandbox.feishu().judge().totals;
        let wrong = match self {
            Self::Asynchronous => (!asked).then(|| "the loss was not found out".to_owned()),
            Self::Synchronous => {
                let harmed = asked || totals.lost + totals.double_sends > 0;
                harmed.then(|| format!("harmed: {totals:?}"))
            }
        };
        Finding { wrong: wrong.into_iter().collect(), ..Finding::ending(asked) }.timed(world, lost_ms, asked)
    }
}
