//! Every way in which two replicas, a store and a platform can interleave, with crashes, lost answers, pauses and an absent
//! store: the machine is put into a small world and all of its states are visited.
//!
//! Seconds are whole; a lease is four of them, an answer takes two at most, saving one. The world lives for some
//! seconds with one fault of each kind. What is checked stands in [`world`] beside the step that could break it, by the
//! names of the invariants; that the checks are awake is shown by four mutants of the rules, each of which must be caught.

mod rules;
mod world;

use std::collections::HashSet;

use super::*;
use rules::{Mode, Rules};
use world::World;

const TIMERS: Timers = Timers {
    answer: Duration::from_secs(2),
    save: Duration::from_secs(1),
    lease: Duration::from_secs(4),
    retry: Duration::from_secs(2),
};

const SOUND: Rules = Rules {
    mode: Mode::Strict,
    timers: TIMERS,
    lease: 4,
    claims: true,
    saves_by_fence: false,
    denies_any_generation: false,
};

/// Visits every state; how many there are, or the first violation.
fn explore(rules: &Rules, first: World) -> Result<usize, &'static str> {
    let mut seen = HashSet::from([first.clone()]);
    let mut ahead = vec![first];
    while let Some(world) = ahead.pop() {
        world.check(rules)?;
        for next in world.next(rules)? {
            if seen.insert(next.clone()) {
                ahead.push(next);
            }
        }
    }
    Ok(seen.len())
}

/// Two refreshes at once, until the lease of the first is long over.
fn small() -> World {
    World::new(7, 2)
}

fn explore_all_modes(first: &World) {
    for mode in [Mode::Strict, Mode::FamilyRevoke, Mode::GraceSame, Mode::GraceNew] {
        let states = explore(&Rules { mode, ..SOUND }, first.clone());
        let states = states.unwrap_or_else(|violation| panic!("{mode:?}: {violation}"));
        println!("{mode:?}: {states} states, no invariant broken");
        assert!(states > 10_000, "{mode:?}: only {states} states: the world is too small to show anything");
    }
}

#[test]
fn no_interleaving_breaks_an_invariant() {
    explore_all_modes(&small());
}

#[test]
#[ignore = "minutes: make test-long"]
fn no_interleaving_of_three_refreshes_breaks_an_invariant() {
    explore_all_modes(&World::new(11, 3));
    explore_all_modes(&World::with_faults(7, 2, (1, 1)));
}

/// One world after another, each a row of chances drawn from its seed: longer than can be explored, with new consents and
/// three faults of each kind.
fn simulate(seeds: std::ops::Range<u64>) {
    let modes = [Mode::Strict, Mode::FamilyRevoke, Mode::GraceSame, Mode::GraceNew];
    let (mut steps, mut rests) = (0_u64, 0_u64);
    for seed in seeds.clone() {
        let rules = Rules { mode: modes[usize::try_from(seed % 4).unwrap()], ..SOUND };
        let (mut world, mut chance) = (World::with_faults(60, 12, (3, 3)), seed);
        for _ in 0..2_000 {
            let next =
                world.next(&rules).unwrap_or_else(|violation| panic!("seed {seed}, {:?}: {violation}", rules.mode));
            if next.is_empty() {
                break;
            }
            let drawn = usize::try_from(draw(&mut chance) % next.len() as u64).unwrap();
            world = next.into_iter().nth(drawn).unwrap();
            world.check(&rules).unwrap_or_else(|violation| panic!("seed {seed}, {:?}: {violation}", rules.mode));
            steps += 1;
            rests += u64::from(world.is_at_rest());
        }
    }
    println!("seeds {seeds:?}: {steps} steps, {rests} of them with nobody at work, no invariant broken");
    assert!(rests > 0, "what holds at rest was never looked at");
}

/// The splitmix64 generator.
const fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[test]
fn three_thousand_seeds_break_no_invariant() {
    simulate(0..3_000);
}

#[test]
#[ignore = "minutes: make test-long"]
fn a_hundred_thousand_seeds_break_no_invariant() {
    simulate(1_000_000..1_100_000);
}

#[test]
fn a_send_without_an_intent_is_caught() {
    let found = explore(&Rules { claims: false, ..SOUND }, small());
    assert!(found.is_err(), "{found:?}");
}

#[test]
fn a_save_that_asks_for_the_fence_is_caught() {
    assert_eq!(
        explore(&Rules { saves_by_fence: true, ..SOUND }, small()),
        Err("I8: a consent is asked for though nothing was lost")
    );
}

#[test]
fn a_lease_shorter_than_the_answer_is_caught() {
    // The machine does not know: told of such a lease, its gate would let nothing through.
    assert_eq!(explore(&Rules { lease: 1, ..SOUND }, small()), Err("I2: two send the same token at once"));
}

#[test]
fn a_denial_that_hits_whatever_is_there_is_caught() {
    let found = explore(&Rules { denies_any_generation: true, ..SOUND }, small());
    assert_eq!(found, Err("I11: a denial ended another generation"));
}
