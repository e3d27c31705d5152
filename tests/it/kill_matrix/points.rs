//! The crash points of the refresh protocol, and how a process is brought to each.

/// How a process is brought to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By its own hand: it stops at the fail point of this name.
    FailPoint,
    /// Its request gets no further than to the middle.
    HalfSent,
    /// The platform holds the request; `act` says whether it has worked.
    Held { act: bool },
    /// It is stopped for longer than its lease while the answer lies in its socket, and then goes on.
    Paused,
    /// The person consents anew while the answer is on its way.
    Consented,
}

/// A crash point.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) name: &'static str,
    /// Where it is.
    pub(super) words: &'static str,
    pub(super) way: Way,
    /// Whether a pair can die with the process.
    pub(super) pair_dies: bool,
    /// Whether the refresh is taken up by the end of the lease.
    pub(super) needs_the_lease: bool,
}

impl Point {
    const fn new(name: &'static str, words: &'static str, way: Way) -> Self {
        Self { name, words, way, pair_dies: false, needs_the_lease: false }
    }

    const fn pair_dies(self) -> Self {
        Self { pair_dies: true, ..self }
    }

    const fn needs_the_lease(self) -> Self {
        Self { needs_the_lease: true, ..self }
    }
}

/// All but C13, which is no death of a process.
pub(super) static POINTS: &[Point] = &[
    Point::new("c0", "before the intent", Way::FailPoint),
    Point::new("c1", "the intent is written and not committed", Way::FailPoint),
    Point::new("c2", "the intent is committed, nothing is sent", Way::FailPoint).needs_the_lease(),
    Point::new("c3", "the request is half written", Way::HalfSent).needs_the_lease(),
    Point::new("c4", "the request is sent, the platform never works on it", Way::Held { act: false }).needs_the_lease(),
    Point::new("c5", "the platform has worked, no answer", Way::Held { act: true }).pair_dies().needs_the_lease(),
    Point::new("c6", "the connection broke, or a refusal came", Way::FailPoint),
    Point::new("c7", "the answer is half read", Way::FailPoint).pair_dies().needs_the_lease(),
    Point::new("c8", "the pair is in memory", Way::FailPoint).pair_dies().needs_the_lease(),
    Point::new("c9", "the pair is written and not committed", Way::FailPoint).pair_dies().needs_the_lease(),
    Point::new("c10", "the pair is committed, nobody knows", Way::FailPoint),
    Point::new("c11", "nobody who waits is told", Way::FailPoint),
    Point::new("c12", "stopped for longer than the lease, then going on", Way::Paused).needs_the_lease(),
    Point::new("c14", "a new consent came meanwhile", Way::Consented),
];
