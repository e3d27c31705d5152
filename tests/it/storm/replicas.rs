//! The two gateways: processes of the real binary on one database, each with an address and a spool of its own.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::sleep;

use super::Storm;
use super::diary::Diary;
use crate::harness::{API_PORT, Process, World, fresh_address};

/// A gateway that cannot start while its database is away is started again so often.
const STARTS: usize = 20;

/// One of the two.
pub(super) struct Replica {
    /// Where its API is.
    pub(super) base: String,
    config: PathBuf,
    spool: String,
    process: Mutex<Option<Process>>,
}

impl Replica {
    pub(super) fn new(world: &World, number: usize) -> Self {
        let ip = fresh_address();
        let config = world.config_path().with_file_name(format!("gateway-{number}.toml"));
        std::fs::write(&config, world.setup.file(ip, &world.sandbox.base_url(), &world.database)).unwrap();
        let base = format!("http://{ip}:{API_PORT}");
        Self { base, config, spool: format!("spool-{number}"), process: Mutex::default() }
    }

    /// Starts it, as whatever looks after a service would.
    pub(super) async fn start(&self, world: &World, diary: &Diary) {
        for _ in 0..STARTS {
            let mut command = world.command(&["serve", "--demo", "--config", self.config.to_str().unwrap()]);
            command.env("CARDKEY_REFRESH__SPOOL", &self.spool);
            let process = world.spawn(command);
            if process.is_up().await {
                *self.process.lock().await = Some(process);
                return;
            }
            diary.count("starts that failed because the database was away");
            sleep(Duration::from_millis(200)).await;
        }
        panic!("a gateway does not start");
    }

    async fn kill(&self) {
        let process = self.process.lock().await.take().unwrap();
        process.kill().await;
    }

    async fn signal(&self, name: &str) {
        self.process.lock().await.as_ref().unwrap().signal(name);
    }

    /// Ends it in an orderly way.
    pub(super) async fn stop(&self) {
        let process = self.process.lock().await.take().unwrap();
        process.stop().await;
    }
}

impl Storm {
    /// Strikes the two in turn, one at a time, until the storm is over; both run afterwards.
    pub(super) async fn strike(&self) {
        let mut draw = self.plan.draw(1);
        for number in 0.. {
            if self.pause(draw.within(&self.plan.stroke_every)).await {
                return;
            }
            let replica = &self.replicas[number % 2];
            // The first of each is a kill.
            if number < 2 || draw.below(3) > 0 {
                let at_ms = self.now_ms();
                replica.kill().await;
                self.diary.open().kills.push(at_ms);
                self.diary.count("gateway killed with SIGKILL");
                sleep(draw.within(&(Duration::ZERO..self.plan.timers.answer))).await;
                replica.start(&self.world, &self.diary).await;
            } else {
                replica.signal("STOP").await;
                self.diary.count("gateway stopped for longer than its lease");
                sleep(self.plan.stopped()).await;
                self.diary.open().resumptions.push(self.now_ms());
                replica.signal("CONT").await;
            }
        }
    }
}
