//! When heartbeats are due, and when silence means death.

use std::time::Duration;

use tokio::time::Instant;

/// The heartbeats of one connection: our own WebSocket pings, and the platform's, whose period the codec tells.
#[derive(Debug)]
pub(super) struct Heart {
    period: Duration,
    last_inbound: Instant,
    ping_at: Instant,
    platform_ping_at: Instant,
}

impl Heart {
    /// The platform's heartbeat is due at once, ours after one period.
    pub(super) fn new(now: Instant, period: Duration) -> Self {
        Self { period, last_inbound: now, ping_at: now + period, platform_ping_at: now }
    }

    /// Something came in, or nothing could, because we did not read.
    pub(super) const fn inbound(&mut self, now: Instant) {
        self.last_inbound = now;
    }

    /// Whether nothing has come in for two and a half periods.
    pub(super) fn is_dead(&self, now: Instant) -> bool {
        now >= self.dead_at()
    }

    /// The next time to look.
    pub(super) fn due(&self) -> Instant {
        self.ping_at.min(self.platform_ping_at).min(self.dead_at())
    }

    /// Whether our ping is due; if so, the next one is a period away.
    pub(super) fn take_ping(&mut self, now: Instant) -> bool {
        let due = now >= self.ping_at;
        if due {
            self.ping_at = now + self.period;
        }
        due
    }

    /// Whether the platform's heartbeat is due.
    pub(super) fn is_platform_ping_due(&self, now: Instant) -> bool {
        now >= self.platform_ping_at
    }

    /// The platform's next heartbeat is this far away.
    pub(super) fn set_platform_ping(&mut self, now: Instant, period: Duration) {
        self.platform_ping_at = now + period;
    }

    /// A hundredth of a period early, so that timers and a busy machine still leave it within two and a half.
    fn dead_at(&self) -> Instant {
        self.last_inbound + self.period * 5 / 2 - self.period / 100
    }
}
