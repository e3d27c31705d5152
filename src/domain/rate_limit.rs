//! How a platform's rate limit is kept to: a rule over one number, pure.
//!
//! The generic cell rate algorithm (ITU-T I.371): of a bucket only the *theoretical arrival time* is known, the time at which
//! it would be empty again. Reserving moves it on by one interval per request. Who keeps that number, and sees to it that of
//! many who reserve at once each slot goes to one, is not known here.

use std::time::Duration;

use crate::domain::clock::Timestamp;

/// How often requests may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// So many at once.
    pub burst: u32,
    /// One more after each of these.
    pub interval: Duration,
    /// So many of the burst are not taken, but left to others who are in more of a hurry.
    pub left: u32,
}

impl Limit {
    /// The limit that never exceeds `per_second` in any second and `per_minute` in any minute: three fifths of the smaller
    /// second's worth at once, what is left of the minute evenly. Where they are large it stays a few below them in a second and
    /// a hundredth in a minute, because requests that left evenly may arrive together.
    #[must_use]
    pub fn within(per_second: u32, per_minute: u32) -> Self {
        let per_minute = per_minute - per_minute / 100;
        let burst = (per_second.min(per_minute) * 3 / 5).max(1);
        let even = per_minute.saturating_sub(burst).max(1);
        let by_minute = Duration::from_mins(1) / even;
        let by_second = Duration::from_secs(1) / per_second.saturating_sub(burst).max(1);
        Self { burst, interval: by_minute.max(by_second), left: 0 }
    }

    /// The same for requests that leave a quarter of the burst to others, who are in more of a hurry.
    #[must_use]
    pub const fn giving_way(self) -> Self {
        Self { left: self.burst / 4, ..self }
    }

    /// What may be had at `now` of a bucket that would be empty again at `arrival`, and when it is empty then.
    #[must_use]
    pub fn reserve(self, wanted: u32, arrival: Timestamp, now: Timestamp) -> (Reservation, Timestamp) {
        let (interval, now) = (self.micros(), now.as_micros());
        let tolerance = interval.saturating_mul(i64::from(self.burst));
        // It is never later than that, unless the clock was set back.
        let arrival = arrival.as_micros().clamp(now, now.saturating_add(tolerance));
        let own = tolerance - interval.saturating_mul(i64::from(self.left));
        let room = (own - (arrival - now)) / interval;
        let granted = u32::try_from(room.clamp(0, i64::from(wanted))).unwrap_or(0);
        let next = arrival.saturating_add(interval.saturating_mul(i64::from(granted)));
        let wait = (next - now + interval - own).max(0);
        (Reservation { granted, wait: Duration::from_micros(wait.unsigned_abs()) }, Timestamp::from_micros(next))
    }

    fn micros(self) -> i64 {
        i64::try_from(self.interval.as_micros()).unwrap_or(i64::MAX).max(1)
    }
}

/// What was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// So many requests may be made now.
    pub granted: u32,
    /// If that is fewer than were asked for: there is more after this long.
    pub wait: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each of the requests goes out (microseconds), taken as soon as it may.
    fn greedy(limit: Limit, seconds: i64) -> Vec<i64> {
        let (mut sent, mut arrival, mut now) = (Vec::new(), Timestamp::default(), 0);
        while now < seconds * 1_000_000 {
            let (reserved, next) = limit.reserve(1_000, arrival, Timestamp::from_micros(now));
            sent.extend(std::iter::repeat_n(now, usize::try_from(reserved.granted).unwrap()));
            arrival = next;
            now += i64::try_from(reserved.wait.as_micros()).unwrap().max(1);
        }
        sent
    }

    #[test]
    fn who_is_in_a_hurry_finds_room_and_both_together_keep_to_the_limit() {
        let limit = Limit::within(50, 1_000);
        let (mut sent, mut arrival, mut now) = (Vec::new(), Timestamp::default(), 0);
        while now < 200_000_000 {
            // Refreshes take all that they may, all the time; every five seconds somebody brings a code.
            let at = Timestamp::from_micros(now);
            let (refreshes, next) = limit.giving_way().reserve(1_000, arrival, at);
            let hurried = u32::from(now % 5_000_000 == 0);
            let (exchanges, next) = limit.reserve(hurried, next, at);
            assert_eq!(exchanges.granted, hurried, "at {now}: nobody who is in a hurry waits");
            let granted = refreshes.granted + exchanges.granted;
            sent.extend(std::iter::repeat_n(now, usize::try_from(granted).unwrap()));
            arrival = next;
            now += 20_000;
        }
        assert!(most_in(&sent, 1_000_000) <= 50 && most_in(&sent, 60_000_000) <= 1_000, "I17");
        assert!(sent.len() > 3_200, "{} in 200 seconds", sent.len());
    }

    #[test]
    fn giving_way_takes_nothing_back_of_what_others_took() {
        let limit = Limit { burst: 4, interval: Duration::from_secs(1), left: 0 };
        let (_, arrival) = limit.reserve(4, Timestamp::default(), Timestamp::from_secs(100));
        let (none, next) = limit.giving_way().reserve(1, arrival, Timestamp::from_secs(100));
        assert_eq!((none.granted, next), (0, arrival));
    }

    fn most_in(sent: &[i64], window: i64) -> usize {
        let within = |start: &i64| sent.iter().filter(|at| (*start..*start + window).contains(at)).count();
        sent.iter().step_by(7).map(within).max().unwrap()
    }

    #[test]
    fn no_second_and_no_minute_holds_too_many() {
        for (second, minute) in [(50, 1_000), (20, 600), (1, 60), (10, 10), (100, 100)] {
            let sent = greedy(Limit::within(second, minute), 200);
            assert!(most_in(&sent, 1_000_000) <= usize::try_from(second).unwrap(), "{second} a second (I17)");
            assert!(most_in(&sent, 60_000_000) <= usize::try_from(minute).unwrap(), "{minute} a minute (I17)");
        }
    }

    #[test]
    fn nearly_all_of_the_limit_is_used() {
        let sent = greedy(Limit::within(50, 1_000), 600);
        assert!(sent.len() > 9_600, "{} of 10,000 in ten minutes", sent.len());
    }
}
