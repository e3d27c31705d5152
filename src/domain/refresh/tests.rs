//! The machine step by step; what two of them and a platform can do to each other is in `model`.

use super::*;

const T: Timers = Timers::STRICT;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A refresh whose claim was won when asked.
fn sending() -> Refresh {
    let mut refresh = Refresh::new(T);
    assert_eq!(refresh.step(Event::Begin, at(0)), Effect::Claim);
    assert_eq!(refresh.step(Event::Claimed(Claim::Won { tries: 1 }), at(0)), Effect::Send);
    refresh
}

#[test]
fn a_pair_is_saved_before_anything_else() {
    let mut refresh = sending();
    assert_eq!(refresh.step(Event::Answered(Answer::Pair), at(1)), Effect::Save);
    assert_eq!(refresh.step(Event::Saved(Saved::Stored), at(1)), Effect::Finish(Outcome::Refreshed));
}

#[test]
fn nothing_is_sent_when_the_lease_would_not_outlive_it() {
    for (seconds, sends) in [(0, true), (19, true), (20, false), (90, false)] {
        let mut refresh = Refresh::new(T);
        refresh.step(Event::Begin, at(100));
        let effect = refresh.step(Event::Claimed(Claim::Won { tries: 1 }), at(100 + seconds));
        let late = Effect::Release { unclear: false, pause: Duration::ZERO };
        assert_eq!(effect, if sends { Effect::Send } else { late }, "{seconds} s after asking");
    }
}

#[test]
fn whoever_is_not_the_owner_never_sends() {
    for (claim, outcome) in [
        (Claim::Newer, Outcome::Refreshed),
        (Claim::Paused, Outcome::Unclear),
        (Claim::Dead, Outcome::NeedsConsent),
        (Claim::Gone, Outcome::NeedsConsent),
    ] {
        let mut refresh = Refresh::new(T);
        refresh.step(Event::Begin, at(0));
        assert_eq!(refresh.step(Event::Claimed(claim), at(0)), Effect::Finish(outcome), "{claim:?}");
    }
}

#[test]
fn somebody_elses_refresh_is_waited_for_but_not_for_ever() {
    let mut refresh = Refresh::new(T);
    refresh.step(Event::Begin, at(0));
    assert_eq!(refresh.step(Event::Claimed(Claim::Busy), at(1)), Effect::Wait(GLANCE));
    assert_eq!(refresh.step(Event::Woken, at(2)), Effect::Claim);
    assert_eq!(refresh.step(Event::Claimed(Claim::Busy), at(10)), Effect::Finish(Outcome::Busy));
}

#[test]
fn somebody_elses_refresh_is_left_to_them_if_nobody_needs_its_outcome() {
    let mut refresh = Refresh::new(T);
    refresh.step(Event::Begin, at(0));
    assert_eq!(refresh.step(Event::Claimed(Claim::Busy), at(0)), Effect::Wait(GLANCE));
    assert_eq!(refresh.step(Event::NotNeeded, at(0)), Effect::Finish(Outcome::Busy));
}

#[test]
fn a_store_that_does_not_answer_to_the_claim_means_no_send() {
    let mut refresh = Refresh::new(T);
    refresh.step(Event::Begin, at(0));
    assert_eq!(refresh.step(Event::StoreAway, at(0)), Effect::Finish(Outcome::Unavailable), "C1");
}

#[test]
fn a_pair_is_kept_while_the_store_is_away() {
    let mut refresh = sending();
    assert_eq!(refresh.step(Event::Answered(Answer::Pair), at(10)), Effect::Save);
    assert_eq!(refresh.step(Event::StoreAway, at(10)), Effect::Wait(GLANCE));
    assert_eq!(refresh.step(Event::Woken, at(11)), Effect::Save);
    assert_eq!(refresh.step(Event::StoreAway, at(11)), Effect::Spool, "a second later also on the disk");
    assert_eq!(refresh.step(Event::Spooled(true), at(11)), Effect::Save);
    assert_eq!(refresh.step(Event::StoreAway, at(12)), Effect::Wait(GLANCE));
    assert_eq!(refresh.step(Event::Woken, at(70)), Effect::Save);
    assert_eq!(refresh.step(Event::StoreAway, at(70)), Effect::Finish(Outcome::Unavailable), "the spool has it");
}

#[test]
fn a_pair_that_no_disk_takes_is_never_given_up() {
    let mut refresh = sending();
    refresh.step(Event::Answered(Answer::Pair), at(0));
    refresh.step(Event::StoreAway, at(5));
    assert_eq!(refresh.step(Event::Spooled(false), at(5)), Effect::Wait(GLANCE));
    for second in (6..100_000).step_by(1_000) {
        assert_eq!(refresh.step(Event::Woken, at(second)), Effect::Save);
        assert_eq!(refresh.step(Event::StoreAway, at(second)), Effect::Spool, "the disk may have room by now");
        assert_eq!(refresh.step(Event::Spooled(false), at(second)), Effect::Wait(GLANCE));
    }
    assert_eq!(refresh.step(Event::Woken, at(100_000)), Effect::Save);
    assert_eq!(refresh.step(Event::Saved(Saved::Stored), at(100_000)), Effect::Finish(Outcome::Refreshed));
}

#[test]
fn a_pair_whose_row_moved_on_is_set_aside() {
    let mut refresh = sending();
    refresh.step(Event::Answered(Answer::Pair), at(1));
    assert_eq!(refresh.step(Event::Saved(Saved::Overtaken), at(1)), Effect::Quarantine);
    assert_eq!(refresh.step(Event::StoreAway, at(1)), Effect::Wait(GLANCE), "I4: also there it is not dropped");
    assert_eq!(refresh.step(Event::Woken, at(2)), Effect::Quarantine);
    assert_eq!(refresh.step(Event::StoreAway, at(2)), Effect::Spool);
    assert_eq!(refresh.step(Event::Spooled(true), at(2)), Effect::Quarantine);
    assert_eq!(refresh.step(Event::Noted, at(1)), Effect::Finish(Outcome::Refreshed));
}

#[test]
fn a_denial_ends_the_grant_only_if_nothing_was_set_aside() {
    let denied = Event::Answered(Answer::Denied { code: 20073.into() });
    let mut refresh = sending();
    assert_eq!(refresh.step(denied, at(1)), Effect::Recall);
    assert_eq!(refresh.step(Event::Recalled(true), at(1)), Effect::Finish(Outcome::Refreshed));
    for (marked, outcome) in [(true, Outcome::NeedsConsent), (false, Outcome::Refreshed)] {
        let mut refresh = sending();
        refresh.step(denied, at(1));
        assert_eq!(refresh.step(Event::Recalled(false), at(1)), Effect::MarkDenied { code: 20073.into() });
        assert_eq!(refresh.step(Event::Marked(marked), at(1)), Effect::Finish(outcome));
    }
}

#[test]
fn what_is_unclear_is_tried_again_with_growing_pauses() {
    let pauses: Vec<u64> = (1..=7).map(|tries| T.pause(tries).as_secs()).collect();
    assert_eq!(pauses, [0, 5, 30, 120, 600, 3_600, 3_600], "I19");
    let mut refresh = Refresh::new(T);
    refresh.step(Event::Begin, at(0));
    refresh.step(Event::Claimed(Claim::Won { tries: 3 }), at(0));
    let effect = refresh.step(Event::Answered(Answer::Unclear), at(60));
    assert_eq!(effect, Effect::Release { unclear: true, pause: at(30) });
    assert_eq!(refresh.step(Event::StoreAway, at(60)), Effect::Finish(Outcome::Unclear), "the lease lapses by itself");
}

#[test]
fn an_event_out_of_place_sends_nothing() {
    for event in [Event::Begin, Event::Saved(Saved::Stored), Event::Claimed(Claim::Won { tries: 1 }), Event::Noted] {
        let mut refresh = sending();
        assert_eq!(refresh.step(event, at(0)), Effect::Finish(Outcome::Unavailable), "{event:?}");
    }
}

#[test]
fn the_standard_timers_are_sound() {
    assert!(T.are_sound());
    assert!(!Timers { lease: T.answer, ..T }.are_sound());
}
