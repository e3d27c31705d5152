//! Medians and spreads, and how they are written.

use std::time::Duration;

/// The median and the interquartile range.
pub(crate) fn middle(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (values.len() - 1) as f64;
        let (low, part) = (values[place.floor() as usize], place.fract());
        low + (values[place.ceil() as usize] - low) * part
    };
    (at(0.5), at(0.75) - at(0.25))
}

/// `median (spread)` with so many digits behind the point; NOISY if the spread is more than 15 % of the median.
pub(crate) fn spread(values: impl IntoIterator<Item = f64>, digits: usize) -> String {
    let (median, spread) = middle(values);
    let noisy = if spread > 0.15 * median { " NOISY" } else { "" };
    format!("{median:.digits$} ({spread:.digits$}{noisy})")
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// With commas between the thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap()).collect();
    parts.join(",")
}

/// A line of a table.
pub(crate) fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// Its first two lines; all columns but the first are numbers.
pub(crate) fn head(titles: &[&str]) -> String {
    let rule: String = titles.iter().skip(1).map(|_| " ---: |").collect();
    format!("| {} |\n| --- |{rule}\n", titles.join(" | "))
}
