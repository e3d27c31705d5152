//! Each app's requests over time: how many at once, and whether they waited as they were told.

use std::collections::VecDeque;

use super::verdict::{AppVerdict, EarlySend};
use crate::world::refresh_log::{RefreshLog, Sent, Word};

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60_000;

/// Every app that asked, in the order of their first request.
pub(super) fn judge(log: &RefreshLog) -> Vec<AppVerdict> {
    let mut apps: Vec<(usize, Vec<&Sent>)> = Vec::new();
    for sent in log.sent() {
        match apps.iter_mut().find(|(app, _)| *app == sent.app) {
            Some((_, requests)) => requests.push(sent),
            None => apps.push((sent.app, vec![sent])),
        }
    }
    apps.into_iter().map(|(app, requests)| verdict(log.app(app), &requests)).collect()
}

fn verdict(app_id: &str, requests: &[&Sent]) -> AppVerdict {
    let times: Vec<i64> = requests.iter().map(|sent| sent.at_ms).collect();
    let sends: Vec<i64> = requests.iter().filter(|sent| sent.token.is_some()).map(|sent| sent.at_ms).collect();
    let early = early(requests);
    AppVerdict {
        app_id: app_id.to_owned(),
        most_in_1s: most(&times, SECOND_MS),
        most_in_60s: most(&times, MINUTE_MS),
        most_sends_in_1s: most(&sends, SECOND_MS),
        most_sends_in_60s: most(&sends, MINUTE_MS),
        limited: requests.iter().filter(|sent| is_limited(sent)).count(),
        early: early.len(),
        early_sends: early.iter().filter_map(|(sent, after_ms)| early_send(sent, *after_ms)).collect(),
    }
}

/// The most times within any window of this length, whose end does not belong to it.
fn most(times: &[i64], length_ms: i64) -> usize {
    let mut window = VecDeque::new();
    let mut most = 0;
    for time in times {
        window.push_back(*time);
        while window.front().is_some_and(|first| time - first >= length_ms) {
            window.pop_front();
        }
        most = most.max(window.len());
    }
    most
}

fn is_limited(sent: &Sent) -> bool {
    sent.told.is_some_and(|told| told.word == Word::Limited)
}

/// Requests that came after a refusal had been delivered and before the time that it stated, and how long after it (ms).
fn early<'a>(requests: &[&'a Sent]) -> Vec<(&'a Sent, i64)> {
    let mut bans: Vec<Ban> = requests.iter().filter_map(|sent| ban(sent)).collect();
    bans.sort_unstable_by_key(|ban| ban.known_since);
    let mut bans = bans.into_iter().peekable();
    let (mut since_ms, mut until_ms) = (i64::MIN, i64::MIN);
    let mut early = Vec::new();
    for sent in requests {
        while let Some(ban) = bans.next_if(|ban| ban.known_since < sent.tick) {
            if ban.at_ms >= until_ms {
                since_ms = ban.at_ms;
            }
            until_ms = until_ms.max(ban.until_ms);
        }
        if sent.at_ms < until_ms {
            early.push((*sent, sent.at_ms - since_ms));
        }
    }
    early
}

fn early_send(sent: &Sent, after_ms: i64) -> Option<EarlySend> {
    sent.token.map(|_| EarlySend { at_ms: sent.at_ms, after_ms })
}

/// A refusal that states a time.
struct Ban {
    /// Since when the client knows of it, in the order of everything.
    known_since: u64,
    at_ms: i64,
    until_ms: i64,
}

fn ban(sent: &Sent) -> Option<Ban> {
    let told = sent.told.filter(|told| told.word == Word::Limited)?;
    let settled = sent.settled.filter(|settled| settled.whole)?;
    let until_ms = told.at_ms + told.reset_s? * SECOND_MS;
    Some(Ban { known_since: settled.tick, at_ms: told.at_ms, until_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides_and_its_end_is_outside() {
        assert_eq!(most(&[], 1000), 0);
        assert_eq!(most(&[0, 999, 1000, 1001], 1000), 3);
        assert_eq!(most(&[0, 1000, 2000], 1000), 1);
        assert_eq!(most(&[5, 5, 5], 1000), 3);
    }
}
