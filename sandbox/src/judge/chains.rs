//! Each chain of refresh tokens: how often each was sent, what was lost, what is alive.

use std::collections::{BTreeMap, HashMap};

use super::Case;
use super::verdict::{ChainVerdict, Loss, PersonVerdict, SendVerdict, TokenState, TokenVerdict};
use crate::random::Print;
use crate::world::refresh_log::{Fate, Issued, RefreshLog, Sent};

/// A token that was issued for another one.
struct Rotation {
    at_ms: i64,
    spent: Print,
    /// Some client has its answer.
    delivered: bool,
    /// Some answer with it may still arrive.
    pending: bool,
    /// Another answer was put in the place of every one with it.
    replaced: bool,
}

/// Every chain, in the order they began.
pub(super) fn judge(case: &Case) -> Vec<ChainVerdict> {
    let sends = sends(&case.log);
    let rotations = rotations(&case.log);
    let states = states(case);
    let mut chains: BTreeMap<u64, ChainVerdict> = BTreeMap::new();
    for issued in case.log.issued() {
        let chain = chains.entry(issued.chain).or_insert_with(|| begun(case, issued));
        let state = states[&issued.token];
        let sent = sends.get(&issued.token).map_or(&[][..], Vec::as_slice);
        if state == TokenState::Live {
            chain.live = Some(issued.token);
        }
        if let Some(rotation) = rotations.get(&issued.token) {
            chain.rotations += 1;
            chain.lost.extend(loss(issued.token, rotation).filter(|_| sent.is_empty()));
        }
        chain.tokens.push(token(issued, state, sent));
    }
    chains.into_values().collect()
}

/// Each app and person with what is alive of theirs.
pub(super) fn people(case: &Case) -> Vec<PersonVerdict> {
    let states = states(case);
    let mut people = BTreeMap::new();
    for issued in case.log.issued() {
        let person = people.entry((issued.app, issued.person)).or_insert_with(|| PersonVerdict {
            app_id: case.log.app(issued.app).to_owned(),
            open_id: case.open_id(issued),
            live: Vec::new(),
        });
        if states[&issued.token] == TokenState::Live {
            person.live.push(issued.token);
        }
    }
    people.into_values().collect()
}

fn begun(case: &Case, issued: &Issued) -> ChainVerdict {
    ChainVerdict {
        chain: issued.chain,
        app_id: case.log.app(issued.app).to_owned(),
        open_id: case.open_id(issued),
        live: None,
        rotations: 0,
        lost: Vec::new(),
        tokens: Vec::new(),
    }
}

/// The sends of each token, in the order they came.
fn sends(log: &RefreshLog) -> HashMap<Print, Vec<&Sent>> {
    let mut sends: HashMap<Print, Vec<&Sent>> = HashMap::new();
    for sent in log.sent() {
        if let Some(token) = sent.token {
            sends.entry(token).or_default().push(sent);
        }
    }
    sends
}

/// Where each token is.
fn states(case: &Case) -> HashMap<Print, TokenState> {
    let by_time = |issued: &Issued| {
        if issued.expires_ms > case.now_ms { TokenState::Live } else { TokenState::Expired }
    };
    let mut states: HashMap<_, _> = case.log.issued().iter().map(|issued| (issued.token, by_time(issued))).collect();
    for (token, fate) in case.log.fates() {
        let state = match fate {
            Fate::Used => TokenState::Used,
            Fate::Revoked => TokenState::Revoked,
        };
        states.insert(*token, state);
    }
    states
}

/// The rotations by their successors. The same successor may have been given several times.
fn rotations(log: &RefreshLog) -> HashMap<Print, Rotation> {
    let mut rotations: HashMap<Print, Rotation> = HashMap::new();
    for sent in log.sent() {
        let (Some(spent), Some(acted)) = (sent.token, sent.acted) else {
            continue;
        };
        let Some(successor) = acted.issued else {
            continue;
        };
        let own = sent.told.is_some_and(|told| told.own);
        let rotation = rotations.entry(successor).or_insert(Rotation {
            at_ms: acted.at_ms,
            spent,
            delivered: false,
            pending: false,
            replaced: true,
        });
        rotation.at_ms = rotation.at_ms.min(acted.at_ms);
        rotation.delivered |= own && sent.settled.is_some_and(|settled| settled.whole);
        rotation.pending |= sent.is_under_way();
        rotation.replaced &= sent.told.is_some() && !own;
    }
    rotations
}

fn loss(successor: Print, rotation: &Rotation) -> Option<Loss> {
    let Rotation { at_ms, spent, replaced, .. } = *rotation;
    (!rotation.delivered && !rotation.pending).then_some(Loss { at_ms, spent, successor, replaced })
}

fn token(issued: &Issued, state: TokenState, sent: &[&Sent]) -> TokenVerdict {
    let sends = read(sent);
    TokenVerdict {
        token: issued.token,
        generation: issued.generation,
        state,
        double_sends: sends.iter().filter(|send| send.double).count(),
        overlapping_sends: sends.iter().filter(|send| send.overlapping).count(),
        sends,
    }
}

/// The sends of one token, each judged by those before it.
fn read(sent: &[&Sent]) -> Vec<SendVerdict> {
    let mut known_since = u64::MAX;
    let mut busy_until = 0;
    let mut verdicts = Vec::with_capacity(sent.len());
    for send in sent {
        verdicts.push(SendVerdict {
            at_ms: send.at_ms,
            outcome: send.acted.map(|acted| acted.word),
            successor: send.acted.and_then(|acted| acted.issued),
            told: send.told.map(|told| told.word),
            written: send.settled.map(|settled| settled.whole),
            answered_ms: send.told.map(|told| told.at_ms),
            double: known_since < send.tick,
            overlapping: busy_until > send.tick,
        });
        let settled = send.settled.map_or(u64::MAX, |settled| settled.tick);
        busy_until = busy_until.max(settled);
        if send.is_definite() {
            known_since = known_since.min(settled);
        }
    }
    verdicts
}
