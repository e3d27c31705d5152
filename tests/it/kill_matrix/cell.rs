//! One cell: a grant, a process that comes to its end at the point, whoever goes on, and how that ends.

use std::net::Ipv4Addr;
use std::time::Duration;

use cardkey_sandbox::ALICE;
use cardkey_sandbox::journal::Entry;
use serde_json::json;

use super::endings::{refresh, worked};
use super::findings::{Case, Finding};
use super::modes::Mode;
use super::points::{Point, Way};
use super::seats::{Pace, Seat, Then};
use crate::harness::{APP, Process, Relay, Setup, World, on};

const MORE: &[&str] = &["apaas:app:read", "apaas:workspace:read"];

/// One cell of the matrix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) seat: Seat,
    pub(super) point: &'static Point,
    pub(super) mode: &'static Mode,
    pub(super) pace: Pace,
}

/// Who goes on, and since when the one before it was at its point and was gone.
pub(super) struct Bereaved {
    pub(super) survivor: Process,
    /// One that was stopped and goes on beside it.
    pub(super) sleeper: Option<(Ipv4Addr, Process)>,
    pub(super) reached_ms: i64,
    pub(super) gone_ms: i64,
}

impl Cell {
    /// As the filter names it.
    pub(super) fn name(&self) -> String {
        format!("{} {} {} {}", self.pace.word(), self.seat.name, self.point.name, self.mode.name)
    }

    pub(super) async fn run(self) -> Finding {
        if !self.mode.comes_to(self.point.name) {
            return Finding::none();
        }
        match self.seat.engine {
            Some(engine) => on(engine, self.play()).await,
            None => self.play().await,
        }
    }

    async fn play(self) -> Finding {
        let mut world = World::with_a_grant(self.setup()).await;
        world.control("apps", &json!({ "app_id": APP, "refresh_mode": self.mode.rule() })).await;
        let bereaved = self.bereave(&mut world).await;
        if let Some((ip, _)) = &bereaved.sleeper {
            // What it has in its hands may yet put the grant right.
            world.landed_at(*ip, self.pace).await;
        }
        let asked = world.ends_asked(self.pace).await;
        world.release().await;
        bereaved.survivor.stop().await;
        if let Some((_, sleeper)) = bereaved.sleeper {
            sleeper.stop().await;
        }
        let case = Case { cell: self, asked, reached_ms: bereaved.reached_ms, gone_ms: bereaved.gone_ms };
        let finding = case.judge(&world);
        world.end_of_many();
        finding
    }

    fn setup(self) -> Setup {
        // What a platform gives once more has the life that is left of it: it must outlast the lease.
        if self.mode.is_graceful() { self.pace.setup_with_lives_of(6) } else { self.pace.setup() }
    }

    /// Brings a process to its end at the point.
    async fn bereave(&self, world: &mut World) -> Bereaved {
        self.set_faults(world).await;
        match self.point.way {
            Way::FailPoint => {
                world.setup.environment.insert("FAILPOINT".to_owned(), format!("stop:{}", self.point.name));
                let process = world.spawn_process(&["--demo"]);
                process.stopped().await;
                world.setup.environment.remove("FAILPOINT");
                self.bury(world, process).await
            }
            Way::HalfSent => {
                let relay = Relay::to(world.sandbox.address()).await;
                relay.cut_after("&refresh_token=eyJ");
                world.write_config_for(&format!("http://{}", relay.address));
                let process = world.spawn_process(&["--demo"]);
                relay.has_cut().await;
                world.write_config();
                self.bury(world, process).await
            }
            Way::Held { act } => {
                let before = world.refreshes_seen();
                let process = world.spawn_process(&["--demo"]);
                let held = |entry: &Entry| refresh(entry) && (!act || entry.outcome.is_some());
                world.sandbox.feishu().journal.wait_for(before + 1, held).await;
                self.bury(world, process).await
            }
            Way::Paused => self.pause(world).await,
            Way::Consented => self.consent(world).await,
        }
    }

    async fn set_faults(&self, world: &World) {
        let held = match self.point.way {
            Way::FailPoint | Way::HalfSent => None,
            Way::Held { act } => Some(act),
            Way::Paused | Way::Consented => Some(true),
        };
        if let Some(act) = held {
            world.refresh_fault(&json!({ "kind": "hold", "act": act })).await;
        }
        // Behind the one that is held, so that it meets what is sent next.
        if let Some(fault) = self.mode.fault {
            world.refresh_fault(&fault.action()).await;
        }
    }

    /// Kills the process that is at its point; before that, another one runs, or after it the same is started.
    async fn bury(&self, world: &mut World, process: Process) -> Bereaved {
        let reached_ms = world.now_ms();
        let other = match self.seat.then {
            Then::Again => None,
            Then::Another => {
                process.stop_still().await;
                Some(world.start_another_process().await)
            }
        };
        process.kill().await;
        let gone_ms = world.now_ms();
        // What the platform has not worked on it never does: the connection is gone.
        if self.point.way != (Way::Held { act: false }) {
            world.release().await;
        }
        let survivor = match other {
            Some(other) => other,
            None => world.start_process().await,
        };
        Bereaved { survivor, sleeper: None, reached_ms, gone_ms }
    }

    /// Stops the process for longer than its lease while the answer lies in its socket; on a server, until another one has
    /// sent the token once more.
    async fn pause(&self, world: &mut World) -> Bereaved {
        let before = world.refreshes_seen();
        let process = world.start_process().await;
        world.sandbox.feishu().journal.wait_for(before + 1, worked).await;
        process.stop_still().await;
        let reached_ms = world.now_ms();
        world.release().await;
        let ip = world.ip;
        let other = match self.seat.then {
            Then::Again => {
                // The pause itself.
                tokio::time::sleep(self.pace.lease() + Duration::from_millis(200)).await;
                None
            }
            Then::Another => {
                let other = world.start_another_process().await;
                self.taken_over(world, before + 2).await;
                Some(other)
            }
        };
        process.signal("CONT");
        let gone_ms = world.now_ms();
        match other {
            Some(survivor) => Bereaved { survivor, sleeper: Some((ip, process)), reached_ms, gone_ms },
            None => Bereaved { survivor: process, sleeper: None, reached_ms, gone_ms },
        }
    }

    async fn taken_over(&self, world: &World, sends: usize) {
        world.in_time(self.pace, async || world.sandbox.feishu().journal.read(0, worked).len() >= sends).await;
    }

    /// The person consents anew while the answer is on its way; then the process dies.
    async fn consent(&self, world: &mut World) -> Bereaved {
        let before = world.refreshes_seen();
        let process = world.start_process().await;
        world.sandbox.feishu().journal.wait_for(before + 1, worked).await;
        let reached_ms = world.now_ms();
        let other = match self.seat.then {
            Then::Again => None,
            Then::Another => {
                process.stop_still().await;
                Some(world.start_another_process().await)
            }
        };
        let (session, link) = world.link(ALICE, MORE).await;
        world.visit(&link, ALICE, "allow").await;
        assert_eq!(world.ended(&session).await["status"], "completed");
        process.kill().await;
        let gone_ms = world.now_ms();
        world.release().await;
        let survivor = match other {
            Some(other) => other,
            None => world.start_process().await,
        };
        Bereaved { survivor, sleeper: None, reached_ms, gone_ms }
    }
}
