//! Refresh tokens that near their end, in virtual days: who is told, how often, and that nobody is told of a healthy one.

use std::time::Duration;

use cardkey_sandbox::ALICE;
use serde_json::Value;

use crate::harness::{APP, Setup, World, on};

on_each_database!(a_neglected_token_is_told_of_once_a_day_until_it_is_over);

const READ: &[&str] = &["apaas:app:read"];
const HOUR: Duration = Duration::from_hours(1);

impl World {
    async fn watch(&self) -> usize {
        self.gateway().grants.run_expiry_watch(self.now()).await.unwrap()
    }

    async fn warnings(&self) -> [u64; 3] {
        let mut told = [0; 3];
        for (count, level) in told.iter_mut().zip(["warning", "critical", "expired"]) {
            let series = "cardkey_token_expiry_warnings_sent_total";
            *count = self.count(&format!("{series}{{app_id=\"{APP}\",level=\"{level}\"}}")).await;
        }
        told
    }

    async fn days(&self) -> Option<f64> {
        self.metric(&format!("cardkey_refresh_token_days_to_expiry{{app_id=\"{APP}\"}}")).await
    }
}

async fn a_neglected_token_is_told_of_once_a_day_until_it_is_over() {
    let world = World::new().await;
    world.granted(READ).await;
    world.advance(128 * HOUR).await;
    assert_eq!((world.watch().await, world.days().await), (0, None), "40 hours of 7 days are left");
    world.advance(HOUR).await;
    assert_eq!(world.watch().await, 1);
    assert_eq!((world.warnings().await, world.days().await), ([1, 0, 0], Some(1.0)));
    world.advance(23 * HOUR).await;
    assert_eq!(world.watch().await, 0, "once a day");
    world.advance(HOUR).await;
    assert_eq!(world.watch().await, 1);
    assert_eq!((world.warnings().await, world.days().await), ([1, 1, 0], Some(0.0)), "15 hours are left");
    world.advance(24 * HOUR).await;
    assert_eq!((world.watch().await, world.warnings().await), (1, [1, 1, 1]));
    world.advance(49 * HOUR).await;
    assert_eq!((world.watch().await, world.days().await), (0, None), "it was told that it is over");
    assert_eq!(world.messages(ALICE).await, Vec::<Value>::new(), "the person can do nothing about it");
    world.end().await;
}

#[tokio::test]
async fn what_is_refreshed_as_planned_is_never_told_of() {
    let world = World::new().await;
    world.granted(READ).await;
    for generation in 2..=5 {
        world.advance(120 * HOUR).await;
        assert_eq!(world.watch().await, 0);
        world
            .until(async || {
                // Again and again, as by the clock: a pass that meets the end of the last refresh starts none.
                world.gateway().grants.run_refreshes(world.now()).await.unwrap();
                world.grants().await[0]["generation"] == generation
            })
            .await;
    }
    world.end().await;
}

#[tokio::test]
async fn the_person_is_asked_in_time_if_that_is_wanted() {
    let world = World::with(Setup::default().variable("CARDKEY_REFRESH__EXPIRY_NOTICE", "card")).await;
    world.granted(READ).await;
    world.advance(130 * HOUR).await;
    assert_eq!(world.watch().await, 1);
    assert_eq!(world.messages(ALICE).await, Vec::<Value>::new(), "not at the first warning");
    world.advance(24 * HOUR).await;
    assert_eq!(world.watch().await, 1);
    let card = world.card_turns(ALICE, "blue").await;
    assert_eq!(world.grants().await[0]["status"], "active", "nothing has died");
    assert_eq!(world.visit(&World::card_link(&card), ALICE, "allow").await.mood(), "good");
    world.until(async || world.grants().await[0]["generation"] == 2).await;
    world.advance(24 * HOUR).await;
    assert_eq!((world.watch().await, world.warnings().await), (0, [1, 1, 0]), "it has a new life");
    world.end().await;
}

#[tokio::test]
async fn of_two_replicas_one_tells() {
    on(cardkey_engines::Engine::Postgres, async {
        let world = World::new().await;
        let other = world.another_gateway().await;
        world.granted(READ).await;
        world.advance(130 * HOUR).await;
        let now = world.now();
        let (here, there) = tokio::join!(world.watch(), other.grants.run_expiry_watch(now));
        assert_eq!(here + there.unwrap(), 1);
        other.stop().await;
        world.end().await;
    })
    .await;
}
