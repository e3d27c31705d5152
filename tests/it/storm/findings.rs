//! What the judge's log, the database and the chats say together, against the invariants of the refresh protocol.
//!
//! Of each chain of tokens the platform's judge says what was sent and what was lost. Added here is what it cannot know: when
//! gateways were killed, what the platform ended on the test's behalf, and what the gateways have at the end.

use std::collections::{BTreeMap, HashMap};

use cardkey_sandbox::judge::{ChainVerdict, SendVerdict, TokenState, TokenVerdict, Verdict};
use cardkey_sandbox::random::Print;
use cardkey_sandbox::world::refresh_log::Word;

use super::diary::Entries;
use super::plan::Plan;
use super::stored::Stored;

/// A pair that came so shortly before a kill may have died with the process (ms): after a second it is in the spool.
const IN_HAND_MS: i64 = 3_000;

/// A process that was stopped between the last look at its lease and the send sends within this time after it goes on (ms).
const RESUMED_MS: i64 = 1_000;

/// Within this time (ms) after a refusal what was sent already arrives, and both gateways know of it: they tell each other by
/// the database, which may be locked for two seconds.
const ON_ITS_WAY_MS: i64 = 2_500;

/// What is judged.
pub(super) struct Evidence<'a> {
    pub(super) plan: &'a Plan,
    pub(super) verdict: &'a Verdict,
    pub(super) stored: &'a HashMap<String, Stored>,
    pub(super) cards: &'a HashMap<String, usize>,
    pub(super) diary: &'a Entries,
    /// Intents in the gateways' journal.
    pub(super) intents: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) wrong: Vec<String>,
    /// Pairs whose whole answer was written, and that nobody has: they died with a process.
    pub(super) died_in_hand: usize,
    /// The most of them at one kill.
    pub(super) most_at_a_kill: usize,
    /// Sends that the lapse of a lease explains.
    pub(super) after_a_lapse: usize,
    /// Sends of a process that had been stopped after its last look at the lease.
    pub(super) resumed: usize,
    /// Tokens that were found spent while the gateway that has the successor was stopped, or could not save it.
    pub(super) slept_over: usize,
    /// How many tokens were sent so often.
    pub(super) by_sends: BTreeMap<usize, usize>,
    pub(super) active: usize,
    pub(super) needs_consent: usize,
    pub(super) asked: usize,
}

impl Evidence<'_> {
    pub(super) fn judge(&self) -> Findings {
        let mut found = Findings { wrong: self.diary.wrong.clone(), ..Findings::default() };
        let mut reasons: HashMap<&str, usize> = HashMap::new();
        let mut at_kills: HashMap<usize, usize> = HashMap::new();
        for chain in &self.verdict.chains {
            self.sends(chain, &mut found);
            let died = self.died_in_hand(chain, &mut found);
            for kill in &died {
                *at_kills.entry(*kill).or_default() += 1;
            }
            let slept = chain.tokens.iter().filter(|token| self.was_slept_over(chain, token)).count();
            found.slept_over += slept;
            *reasons.entry(&chain.open_id).or_default() += chain.lost.len() + died.len() + slept;
        }
        for (person, times) in &self.diary.ended {
            *reasons.entry(person).or_default() += times;
        }
        found.died_in_hand = at_kills.values().sum();
        found.most_at_a_kill = at_kills.values().copied().max().unwrap_or_default();
        if found.most_at_a_kill > self.plan.in_flight {
            found.wrong.push(format!("I9: {} pairs died at one kill", found.most_at_a_kill));
        }
        self.grants(&reasons, &mut found);
        self.asked(&reasons, &mut found);
        self.limits(&mut found);
        found
    }

    /// I1: sent again only if nobody had the answer, or the lease of who had it has lapsed.
    fn sends(&self, chain: &ChainVerdict, found: &mut Findings) {
        for token in chain.tokens.iter().filter(|token| !token.sends.is_empty()) {
            *found.by_sends.entry(token.sends.len()).or_default() += 1;
            for (number, send) in token.sends.iter().enumerate().filter(|(_, send)| send.double || send.overlapping) {
                let resumed = |at: &i64| (*at..*at + RESUMED_MS).contains(&send.at_ms);
                if self.has_lapsed(token, number) {
                    found.after_a_lapse += 1;
                } else if self.diary.resumptions.iter().any(resumed) {
                    found.resumed += 1;
                } else {
                    let (person, word) = (&chain.open_id, if send.double { "double" } else { "overlapping" });
                    let after = send.at_ms - sent_before(token, number);
                    found.wrong.push(format!("I1: {person}: {word} send after {after} ms: {token:?}"));
                }
            }
        }
    }

    /// The kills that explain the pairs of this chain that came whole and that nobody has.
    fn died_in_hand(&self, chain: &ChainVerdict, found: &mut Findings) -> Vec<usize> {
        let mut kills = Vec::new();
        for (token, answered_ms) in chain.tokens.iter().filter_map(|token| Some((token, vanished(chain, token)?))) {
            let kill = |kill: &i64| (answered_ms - 100..answered_ms + IN_HAND_MS).contains(kill);
            if self.is_stored(&chain.open_id, token) {
                continue;
            }
            match self.diary.kills.iter().position(kill) {
                Some(kill) => kills.push(kill),
                None => found.wrong.push(format!("I4: {}: a pair came and is gone: {chain:?}", chain.open_id)),
            }
        }
        kills
    }

    /// Whether the lease of the send before this one had ended. The gate keeps back what is claimed so late that its lease could
    /// end before its answer is saved.
    fn has_lapsed(&self, token: &TokenVerdict, number: usize) -> bool {
        let least = i64::try_from((self.plan.timers.answer + self.plan.timers.save).as_millis()).unwrap();
        token.sends[number].at_ms - sent_before(token, number) >= least
    }

    /// Whether the token was found spent while the gateway that has its successor was stopped, or could not save it for so long
    /// that its lease ended; it saved it then.
    fn was_slept_over(&self, chain: &ChainVerdict, token: &TokenVerdict) -> bool {
        let stopped = i64::try_from(self.plan.stopped().as_millis()).unwrap() + RESUMED_MS;
        let meanwhile =
            |at: i64| self.diary.resumptions.iter().any(|end| (end - stopped..end + RESUMED_MS).contains(&at));
        let again = token.sends.iter().enumerate().filter(|(_, send)| send.double || send.overlapping);
        again.filter(|(_, send)| send.told == Some(Word::Denied)).any(|(number, send)| {
            let was_saved =
                || self.is_stored(&chain.open_id, token) || successors(token).any(|next| is_used(chain, next));
            meanwhile(send.at_ms) || (self.has_lapsed(token, number) && was_saved())
        })
    }

    fn is_stored(&self, person: &str, spent: &TokenVerdict) -> bool {
        let has = |print: Print| self.stored.get(person) == Some(&Stored::Active(print));
        successors(spent).any(has)
    }

    /// I7 and I8, of everybody.
    fn grants(&self, reasons: &HashMap<&str, usize>, found: &mut Findings) {
        for person in &self.verdict.people {
            let name = person.open_id.as_str();
            let why = reasons.get(name).copied().unwrap_or_default();
            match self.stored.get(name) {
                None if self.diary.left.contains(name) => {}
                None => found.wrong.push(format!("{name}: no grant, and never left")),
                Some(Stored::NeedsConsent) if why == 0 => {
                    found.wrong.push(format!("I8: {name}: needs a consent, and nothing was lost"));
                }
                Some(Stored::NeedsConsent) => found.needs_consent += 1,
                Some(Stored::Active(print)) if !person.live.contains(print) => {
                    found.wrong.push(format!("I7: {name}: {print} is stored, {:?} is alive", person.live));
                }
                Some(Stored::Active(print)) => {
                    found.active += 1;
                    self.newest(name, *print, found);
                }
            }
        }
    }

    /// I12: a consent that was taken is not overtaken by what came before it.
    fn newest(&self, person: &str, stored: Print, found: &mut Findings) {
        let Some(consented) = self.diary.consents.get(person) else { return };
        let holds = |chain: &&ChainVerdict| chain.tokens.iter().any(|token| token.token == stored);
        if self.verdict.chains.iter().find(holds).is_some_and(|chain| chain.chain < *consented) {
            found.wrong.push(format!("I12: {person}: an older consent's token is stored"));
        }
    }

    /// I26, and I8 of those who have consented again meanwhile: nobody is asked more often than there was reason.
    fn asked(&self, reasons: &HashMap<&str, usize>, found: &mut Findings) {
        for (person, cards) in self.cards {
            let why = reasons.get(person.as_str()).copied().unwrap_or_default();
            if *cards > why {
                let again: Vec<&TokenVerdict> = self.sent_again(person).collect();
                found.wrong.push(format!("I26: {person}: {cards} cards, {why} reasons; sent again: {again:?}"));
            }
        }
        found.asked = self.cards.len();
        for person in unasked(self.stored, self.cards, self.diary) {
            found.wrong.push(format!("I26: {person}: needs a consent, and is not asked"));
        }
    }

    fn sent_again(&self, person: &str) -> impl Iterator<Item = &TokenVerdict> {
        let chains = self.verdict.chains.iter().filter(move |chain| chain.open_id == person);
        chains.flat_map(|chain| &chain.tokens).filter(|token| token.sends.len() > 1)
    }

    fn limits(&self, found: &mut Findings) {
        let totals = &self.verdict.totals;
        for app in &self.verdict.apps {
            let (second, minute) = (app.most_sends_in_1s, app.most_sends_in_60s);
            if second > self.plan.per_second || minute > self.plan.per_minute {
                found.wrong.push(format!("I17: {second} in a second, {minute} in a minute"));
            }
            let resumed = |at: i64| self.diary.resumptions.iter().any(|end| (*end..*end + RESUMED_MS).contains(&at));
            let late = app.early_sends.iter().filter(|send| send.after_ms > ON_ITS_WAY_MS && !resumed(send.at_ms));
            found.wrong.extend(late.map(|send| format!("I18: sent {} ms after a refusal, too early", send.after_ms)));
        }
        if totals.sends > self.intents {
            found.wrong.push(format!("I3: {} sends, {} intents", totals.sends, self.intents));
        }
        if totals.unknown_sends + totals.under_way > 0 {
            found.wrong.push(format!("sends of unknown tokens, or under way at the end: {totals:?}"));
        }
    }
}

/// Who needs a consent and has no card, but for those whom the platform had a hand in, or who have a link to consent by.
pub(super) fn unasked<'a>(
    stored: &'a HashMap<String, Stored>,
    cards: &HashMap<String, usize>,
    diary: &Entries,
) -> Vec<&'a str> {
    let lost = stored.iter().filter(|(_, stored)| **stored == Stored::NeedsConsent).map(|(person, _)| person);
    let known = |person: &&String| diary.ended.contains_key(*person) || diary.linked.contains(*person);
    lost.filter(|person| !known(person) && !cards.contains_key(*person)).map(String::as_str).collect()
}

/// Whether the client knows what became of its token.
fn is_definite(send: &SendVerdict) -> bool {
    send.written == Some(true) && matches!(send.told, Some(Word::Rotated | Word::Denied))
}

/// When the send before this one was made: the last one that brought a definite answer, if this one came after it.
fn sent_before(token: &TokenVerdict, number: usize) -> i64 {
    let before = &token.sends[..number];
    let definite = before.iter().rev().find(|send| is_definite(send)).filter(|_| !token.sends[number].overlapping);
    definite.unwrap_or(&before[number - 1]).at_ms
}

/// The tokens that came of this one.
fn successors(token: &TokenVerdict) -> impl Iterator<Item = Print> {
    token.sends.iter().filter_map(|send| send.successor)
}

/// Whether a gateway sent this token in its turn.
fn is_used(chain: &ChainVerdict, token: Print) -> bool {
    let known = chain.tokens.iter().find(|known| known.token == token);
    known.is_some_and(|known| !known.sends.is_empty() || known.state == TokenState::Used)
}

/// When the whole answer came that nobody has: the token was sent again after it.
fn vanished(chain: &ChainVerdict, token: &TokenVerdict) -> Option<i64> {
    let at = token.sends.iter().position(|send| send.successor.is_some())?;
    let (send, successor) = (&token.sends[at], token.sends[at].successor?);
    let again = token.sends.len() > at + 1;
    let used = is_used(chain, successor);
    let lost = chain.lost.iter().any(|loss| loss.successor == successor);
    (again && !used && !lost).then_some(send.answered_ms)?
}
