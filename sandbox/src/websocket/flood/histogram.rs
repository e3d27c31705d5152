//! Latencies counted in buckets whose width grows with the value: constant memory, error below 2 %.

/// Buckets per power of two.
const STEPS: u64 = 64;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// Counts of microseconds.
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Histogram {
    /// Without values.
    pub(super) fn new() -> Self {
        Self { counts: vec![0; bucket(u64::MAX) + 1], total: 0, max: 0 }
    }

    /// Counts one value.
    pub(super) fn add(&mut self, micros: u64) {
        self.counts[bucket(micros)] += 1;
        self.total += 1;
        self.max = self.max.max(micros);
    }

    /// The value in milliseconds that `permille` of all values do not exceed; 0 without values.
    pub(super) fn quantile_ms(&self, permille: u64) -> f64 {
        let wanted = (self.total * permille).div_ceil(1_000);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return millis(upper(index as u64).min(self.max));
            }
        }
        0.0
    }

    /// The greatest value in milliseconds.
    pub(super) fn max_ms(&self) -> f64 {
        millis(self.max)
    }
}

/// Values below `2 * STEPS` have a bucket each; above, every power of two is divided into `STEPS`.
fn bucket(micros: u64) -> usize {
    let shift = (micros | STEPS).ilog2() - STEP_BITS;
    let index = u64::from(shift) * STEPS + (micros >> shift);
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The greatest value of a bucket.
fn upper(index: u64) -> u64 {
    let shift = (index / STEPS).saturating_sub(1);
    let base = index - shift * STEPS;
    ((base + 1) << shift).wrapping_sub(1)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a benchmark are far below 2^52")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_and_hold_their_values() {
        let mut last = bucket(0);
        for micros in 1..200_000 {
            let index = bucket(micros);
            assert!(index == last || index == last + 1, "{micros}");
            let upper = upper(index as u64);
            assert!(upper >= micros && upper - micros <= micros / 60, "{micros}");
            last = index;
        }
        assert_eq!(upper(bucket(u64::MAX) as u64), u64::MAX);
    }

    #[test]
    fn quantiles() {
        let mut histogram = Histogram::new();
        assert!(histogram.quantile_ms(500) < f64::EPSILON);
        for micros in 1..=100 {
            histogram.add(micros * 1_000);
        }
        assert!((histogram.quantile_ms(500) - 50.0).abs() < 1.0);
        assert!((histogram.quantile_ms(990) - 99.0).abs() < 2.0);
        assert!((histogram.max_ms() - 100.0).abs() < f64::EPSILON);
    }
}
