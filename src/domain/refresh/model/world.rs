//! Two replicas, one row, one platform; what can happen next in them, and what must never have happened.

use super::rules::{Mode, Net, Row, Rules, Run};
use super::*;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    now: u64,
    /// The refresh token that the platform takes; none once a family was revoked.
    live: Option<u8>,
    issued: u8,
    row: Row,
    aside: Vec<u8>,
    runs: [Option<Run>; 2],
    /// The second at which it ends.
    end: u64,
    consents: u8,
    starts: u8,
    crashes: u8,
    losses: u8,
    pauses: u8,
    absences: u8,
    /// A pair came into being that nobody will ever hold.
    lost: bool,
    /// Somebody paused while a refresh of its was under way.
    overslept: bool,
}

type Step = Result<Vec<World>, &'static str>;

impl World {
    /// A world of so many seconds in which so many refreshes begin, with one fault of each kind.
    pub(super) fn new(end: u64, starts: u8) -> Self {
        Self::with_faults(end, starts, (0, 1))
    }

    /// The same with so many new consents, and so many faults of each kind.
    pub(super) fn with_faults(end: u64, starts: u8, (consents, faults): (u8, u8)) -> Self {
        let row =
            Row { consent: 1, generation: 1, token: 1, dead: false, until: None, is_intent: false, fence: 0, tries: 0 };
        Self {
            now: 0,
            live: Some(1),
            issued: 1,
            row,
            aside: Vec::new(),
            runs: [None, None],
            end,
            consents,
            starts,
            crashes: faults,
            losses: faults,
            pauses: faults,
            absences: faults,
            lost: false,
            overslept: false,
        }
    }

    /// How many faults can still come.
    pub(super) const fn faults(&self) -> u8 {
        self.crashes + self.losses + self.pauses + self.absences
    }

    /// Whether nobody is at work.
    pub(super) fn is_at_rest(&self) -> bool {
        self.runs.iter().all(Option::is_none)
    }

    /// What must hold when nobody is at work.
    pub(super) fn check(&self, rules: &Rules) -> Result<(), &'static str> {
        if !self.is_at_rest() {
            return Ok(());
        }
        // Two of one family, one of them late: the platform ends both, whatever we do.
        let excused = self.lost || (rules.mode == Mode::FamilyRevoke && self.overslept);
        if self.row.dead && !excused {
            return Err("I8: a consent is asked for though nothing was lost");
        }
        let holds = self.live.is_some_and(|live| live == self.row.token || self.aside.contains(&live));
        let again = self.row.until.is_some();
        if !holds && !self.row.dead && !again && !excused {
            return Err("I7: the row holds a token that the platform does not take");
        }
        Ok(())
    }

    /// Every world that can come next.
    pub(super) fn next(&self, rules: &Rules) -> Step {
        let mut worlds = Vec::new();
        for side in [0, 1] {
            match &self.runs[side] {
                None => worlds.extend(self.started(side, rules)),
                Some(run) => {
                    worlds.extend(self.act(side, run, rules)?);
                    worlds.extend(self.crashed(side, run));
                }
            }
        }
        worlds.extend(self.consented());
        worlds.extend(self.ticked(rules));
        Ok(worlds)
    }

    fn started(&self, side: usize, rules: &Rules) -> Option<Self> {
        let starts = self.starts.checked_sub(1)?;
        let mut machine = Refresh::new(rules.timers);
        let todo = machine.step(Event::Begin, self.reading());
        let run = Run {
            machine,
            todo,
            consent: self.row.consent,
            generation: self.row.generation,
            token: 0,
            fence: 0,
            claimed: false,
            net: Net::Quiet,
            pair: None,
            paused: false,
        };
        Some(self.with(side, run, |world| world.starts = starts))
    }

    /// The person consents anew, whatever is under way: another chain of tokens begins.
    fn consented(&self) -> Option<Self> {
        let consents = self.consents.checked_sub(1)?;
        let mut world = self.clone();
        world.consents = consents;
        world.issued += 1;
        world.live = Some(world.issued);
        world.row.consent += 1;
        world.put(world.row.generation + 1, world.issued);
        world.aside.clear();
        world.lost = false;
        world.overslept = self.runs.iter().flatten().any(|run| run.paused);
        Some(world)
    }

    /// A pair stands in the row, and no refresh is under way.
    fn put(&mut self, generation: u8, token: u8) {
        let (consent, fence) = (self.row.consent, self.row.fence);
        self.row = Row { consent, generation, token, dead: false, until: None, is_intent: false, fence, tries: 0 };
    }

    /// Whether the row is still where the refresh found it.
    fn is_at(&self, run: &Run) -> bool {
        self.row.generation == run.generation && self.row.consent == run.consent
    }

    /// The process dies. What it held, and what was on its way to it, is lost.
    fn crashed(&self, side: usize, run: &Run) -> Vec<Self> {
        let Some(crashes) = self.crashes.checked_sub(1) else { return Vec::new() };
        let ours = run.consent == self.row.consent;
        let holds = ours && run.pair.is_some_and(|pair| pair != self.row.token && !self.aside.contains(&pair));
        let on_its_way = ours && matches!(run.net, Net::Answered { pair: Some(_), .. });
        let mut world = self.clone();
        world.runs[side] = None;
        world.crashes = crashes;
        world.lost |= holds || on_its_way;
        vec![world]
    }

    /// A second passes. Whoever had something to do and did not do it has paused.
    fn ticked(&self, rules: &Rules) -> Option<Self> {
        if self.now >= self.end {
            return None;
        }
        let mut world = self.clone();
        world.now += 1;
        for run in world.runs.iter_mut().flatten() {
            let waits = match run.net {
                Net::Sent { at } | Net::Answered { at, .. } => world.now < at + rules.timers.answer.as_secs(),
                // With a pair in hand a second is more than the time set aside for saving: as bad as a pause.
                Net::Quiet => matches!(run.todo, Effect::Wait(_)) && run.pair.is_none(),
            };
            if !waits && !run.paused {
                world.pauses = world.pauses.checked_sub(1)?;
                run.paused = true;
                world.overslept = true;
            }
        }
        Some(world)
    }

    fn act(&self, side: usize, run: &Run, rules: &Rules) -> Step {
        match run.todo {
            Effect::Claim => Ok(self.claim(side, run, rules)),
            Effect::Send => self.send(side, run, rules),
            Effect::Save => Ok(self.save(side, run, rules)),
            Effect::Spool => Ok(vec![self.told(side, run, Event::Spooled(false), |_| ())]),
            Effect::Quarantine => Ok(self.quarantine(side, run)),
            Effect::Recall => Ok(vec![self.recall(side, run)]),
            Effect::MarkDenied { .. } => self.mark(side, run, rules),
            Effect::Release { unclear, pause } => Ok(vec![self.release(side, run, unclear, pause)]),
            // Who waits for somebody else's may also find that nobody needs to know.
            Effect::Wait(_) if !run.claimed => {
                Ok([Event::Woken, Event::NotNeeded].map(|event| self.told(side, run, event, |_| ())).into())
            }
            Effect::Wait(_) => Ok(vec![self.told(side, run, Event::Woken, |_| ())]),
            Effect::Finish(_) => self.finish(side, run),
        }
    }

    fn claim(&self, side: usize, run: &Run, rules: &Rules) -> Vec<Self> {
        let is_over = self.row.until.is_none_or(|until| until <= self.now);
        let refused = match () {
            () if self.row.generation > run.generation => Some(Claim::Newer),
            () if self.row.dead => Some(Claim::Dead),
            () if !is_over && self.row.is_intent => Some(Claim::Busy),
            () if !is_over => Some(Claim::Paused),
            () => None,
        };
        if let (Some(refused), true) = (refused, rules.claims) {
            return vec![self.told(side, run, Event::Claimed(refused), |_| ())];
        }
        let mut claimed = self.clone();
        if rules.claims {
            claimed.row.fence += 1;
            claimed.row.tries += 1;
            claimed.row.is_intent = true;
            claimed.row.until = Some(self.now + rules.lease);
        }
        let (fence, token, tries) = (claimed.row.fence, claimed.row.token, claimed.row.tries.max(1));
        let owner = Run { fence, token, claimed: rules.claims, ..run.clone() };
        let won = claimed.told(side, &owner, Event::Claimed(Claim::Won { tries }), |_| ());
        let mut worlds = vec![won];
        // The store does not say whether it was written.
        worlds.extend(self.without_store(side, run));
        worlds.extend(claimed.without_store(side, run));
        worlds
    }

    fn send(&self, side: usize, run: &Run, rules: &Rules) -> Step {
        match run.net {
            Net::Quiet => {
                self.may_send(side, run)?;
                let sent = Run { net: Net::Sent { at: self.now }, ..run.clone() };
                Ok(vec![self.with(side, sent, |_| ())])
            }
            Net::Sent { at } => {
                let mut worlds = vec![self.processed(side, run, at, rules)];
                let late = self.now >= at + rules.timers.answer.as_secs();
                worlds.extend(self.unanswered(side, run, late, false));
                Ok(worlds)
            }
            Net::Answered { at, answer, pair } => {
                let told = Run { net: Net::Quiet, pair, ..run.clone() };
                let mut worlds = vec![self.told(side, &told, Event::Answered(answer), |_| ())];
                let late = self.now >= at + rules.timers.answer.as_secs();
                worlds.extend(self.unanswered(side, run, late, pair.is_some()));
                Ok(worlds)
            }
        }
    }

    fn may_send(&self, side: usize, run: &Run) -> Result<(), &'static str> {
        if !run.claimed {
            return Err("I3: a token is sent without an intent");
        }
        let other = self.runs[1 - side].as_ref();
        let sends = other.is_some_and(|other| other.net != Net::Quiet && other.token == run.token && !other.paused);
        if sends && !run.paused { Err("I2: two send the same token at once") } else { Ok(()) }
    }

    fn processed(&self, side: usize, run: &Run, at: u64, rules: &Rules) -> Self {
        let mut world = self.clone();
        // A token of an earlier consent belongs to another chain, which ended with it.
        let ours = run.consent == self.row.consent;
        let newest = ours && self.live == Some(run.token);
        let replaced = ours && self.live.is_some_and(|live| live == run.token + 1);
        let pair = match rules.mode {
            Mode::GraceSame if replaced => self.live,
            _ if newest || (rules.mode == Mode::GraceNew && replaced) => {
                world.issued += 1;
                world.live = Some(world.issued);
                world.live
            }
            _ => None,
        };
        if pair.is_none() && ours && rules.mode == Mode::FamilyRevoke {
            world.live = None;
        }
        let answer = if pair.is_some() { Answer::Pair } else { Answer::Denied { code: 20_073.into() } };
        world.with(side, Run { net: Net::Answered { at, answer, pair }, ..run.clone() }, |_| ())
    }

    /// The connection breaks, or the time is up.
    fn unanswered(&self, side: usize, run: &Run, late: bool, pair: bool) -> Option<Self> {
        let losses = if late { self.losses } else { self.losses.checked_sub(1)? };
        let told = Run { net: Net::Quiet, ..run.clone() };
        Some(self.told(side, &told, Event::Answered(Answer::Unclear), |world| {
            world.losses = losses;
            world.lost |= pair && run.consent == world.row.consent;
        }))
    }

    fn save(&self, side: usize, run: &Run, rules: &Rules) -> Vec<Self> {
        let mut saved = self.clone();
        let fits = self.is_at(run) && (!rules.saves_by_fence || self.row.fence == run.fence);
        let there = run.pair == Some(self.row.token);
        if let (true, Some(pair)) = (fits, run.pair) {
            saved.put(self.row.generation + 1, pair);
        }
        let word = if fits || there { Saved::Stored } else { Saved::Overtaken };
        let mut worlds = vec![saved.told(side, run, Event::Saved(word), |_| ())];
        worlds.extend(self.without_store(side, run));
        worlds.extend(saved.without_store(side, run));
        worlds
    }

    /// A pair of an earlier consent is of no use to anybody.
    fn set_aside(&mut self, run: &Run) {
        if run.consent == self.row.consent {
            self.aside.extend(run.pair);
        }
    }

    fn quarantine(&self, side: usize, run: &Run) -> Vec<Self> {
        let mut worlds = vec![self.told(side, run, Event::Noted, |world| world.set_aside(run))];
        worlds.extend(self.without_store(side, run));
        worlds
    }

    fn recall(&self, side: usize, run: &Run) -> Self {
        let mut world = self.clone();
        let newest = world.aside.iter().copied().max().filter(|_| self.is_at(run));
        if let Some(token) = newest {
            world.aside.retain(|aside| *aside != token);
            world.put(self.row.generation + 1, token);
        }
        world.told(side, run, Event::Recalled(newest.is_some()), |_| ())
    }

    fn mark(&self, side: usize, run: &Run, rules: &Rules) -> Step {
        let same = self.is_at(run);
        if !same && rules.denies_any_generation {
            return Err("I11: a denial ended another generation");
        }
        Ok(vec![self.told(side, run, Event::Marked(same), |world| {
            if same {
                world.row.dead = true;
                world.row.until = None;
                world.row.is_intent = false;
            }
        })])
    }

    fn release(&self, side: usize, run: &Run, unclear: bool, pause: Duration) -> Self {
        let mine = self.row.is_intent && self.row.fence == run.fence && self.is_at(run);
        self.told(side, run, Event::Noted, |world| {
            if mine {
                world.row.is_intent = false;
                world.row.until = unclear.then(|| world.now + pause.as_secs());
            }
        })
    }

    fn finish(&self, side: usize, run: &Run) -> Step {
        let kept = |pair| pair == self.row.token || self.aside.contains(&pair);
        let ours = run.consent == self.row.consent;
        if ours && run.pair.is_some_and(|pair| !kept(pair) && self.live == Some(pair)) {
            return Err("I4: the newest pair was dropped");
        }
        let mut world = self.clone();
        world.runs[side] = None;
        Ok(vec![world])
    }

    fn without_store(&self, side: usize, run: &Run) -> Option<Self> {
        let absences = self.absences.checked_sub(1)?;
        Some(self.told(side, run, Event::StoreAway, |world| world.absences = absences))
    }

    /// The world in which the machine was told this.
    fn told(&self, side: usize, run: &Run, event: Event, change: impl FnOnce(&mut Self)) -> Self {
        let mut run = run.clone();
        run.todo = run.machine.step(event, self.reading());
        self.with(side, run, change)
    }

    fn with(&self, side: usize, run: Run, change: impl FnOnce(&mut Self)) -> Self {
        let mut world = self.clone();
        world.runs[side] = Some(run);
        change(&mut world);
        world
    }

    fn reading(&self) -> Duration {
        Duration::from_secs(self.now)
    }
}
