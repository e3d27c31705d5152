//! Every way in which two replicas, a store and a platform can interleave, with crashes, lost answers, pauses and an absent
//! store: the machine is put into a small world and all of its states are visited.
//!
//! Seconds are whole; a lease is four of them, an answer takes two at most, saving one. The world lives for some
//! seconds with one fault of each kind. What is checked stands in [`world`] beside the step that could break it, by the
//! names of the invariants; that the checks are awake is shown by four mutants of the rules, each of which the visit and the
//! seeds must find.

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

/// What a row of worlds went through.
#[derive(Debug, Default)]
struct Walked {
    steps: u64,
    /// Steps after which nobody was at work.
    rests: u64,
}

/// One world after another, each a row of chances drawn from its seed: longer than can be explored, with new consents and
/// three faults of each kind. The first violation, with its seed.
fn simulate(rules: &Rules, seeds: std::ops::Range<u64>) -> Result<Walked, (u64, &'static str)> {
    let modes = [Mode::Strict, Mode::FamilyRevoke, Mode::GraceSame, Mode::GraceNew];
    let mut walked = Walked::default();
    for seed in seeds {
        let rules = Rules { mode: modes[usize::try_from(seed % 4).unwrap()], ..*rules };
        walk(&rules, seed, &mut walked).map_err(|violation| (seed, violation))?;
    }
    Ok(walked)
}

fn walk(rules: &Rules, seed: u64, walked: &mut Walked) -> Result<(), &'static str> {
    let (mut world, mut chance) = (World::with_faults(60, 12, (3, 3)), seed);
    for _ in 0..2_000 {
        let next = world.next(rules)?;
        if next.is_empty() {
            break;
        }
        world = one_of(next, world.faults(), &mut chance);
        world.check(rules)?;
        walked.steps += 1;
        walked.rests += u64::from(world.is_at_rest());
    }
    Ok(())
}

/// One of them by chance. A step that spends a fault is put back three times out of four: a world that has had its faults at
/// once shows little.
fn one_of(mut worlds: Vec<World>, faults: u8, chance: &mut u64) -> World {
    loop {
        let drawn = usize::try_from(draw(chance) % worlds.len() as u64).unwrap();
        if worlds[drawn].faults() == faults || draw(chance).is_multiple_of(4) {
            return worlds.swap_remove(drawn);
        }
    }
}

fn assert_sound(seeds: std::ops::Range<u64>) {
    let walked = simulate(&SOUND, seeds.clone());
    let walked = walked.unwrap_or_else(|(seed, violation)| panic!("seed {seed}: {violation}"));
    println!("seeds {seeds:?}: {walked:?}, no invariant broken");
    assert!(walked.rests > 0, "what holds at rest was never looked at");
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
    assert_sound(0..3_000);
}

#[test]
#[ignore = "minutes: make test-long"]
fn a_hundred_thousand_seeds_break_no_invariant() {
    assert_sound(1_000_000..1_100_000);
}

/// What the rules must not be, and what each breaks.
fn mutants() -> [(&'static str, Rules); 4] {
    [
        ("a send without an intent", Rules { claims: false, ..SOUND }),
        ("a save that asks for the fence", Rules { saves_by_fence: true, ..SOUND }),
        // The machine does not know: told of such a lease, its gate would let nothing through.
        ("a lease shorter than the answer", Rules { lease: 1, ..SOUND }),
        ("a denial that hits whatever is there", Rules { denies_any_generation: true, ..SOUND }),
    ]
}

#[test]
fn each_mutant_is_found_by_exploring() {
    let found = mutants().map(|(name, rules)| (name, explore(&rules, small()).unwrap_err()));
    let expected = [
        "I3: a token is sent without an intent",
        "I8: a consent is asked for though nothing was lost",
        "I2: two send the same token at once",
        "I11: a denial ended another generation",
    ];
    assert_eq!(found.map(|(_, violation)| violation), expected);
}

#[test]
fn each_mutant_is_found_by_the_seeds() {
    for (name, rules) in mutants() {
        let (seed, violation) = simulate(&rules, 0..3_000).expect_err(name);
        println!("{name}: seed {seed}, {violation}");
    }
}
