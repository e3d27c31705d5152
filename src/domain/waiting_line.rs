//! Who is let in next: whoever is needed earliest; of equals, whoever came first. Where more come than are let in, that alone
//! would let some wait for ever: [one in eight](FAIR) is who has waited the longest. One place for a grant; pure.

use std::collections::{BTreeMap, HashMap};

use crate::domain::clock::Timestamp;
use crate::domain::ids::GrantId;

/// Of so many that are let in, one is who came first, whenever they are needed.
pub const FAIR: usize = 8;

/// A place in the line: a deadline, then a number.
type Place = (Timestamp, u64);

/// Grants that wait, each with what it takes to let it in.
#[derive(Debug)]
pub struct WaitingLine<T> {
    places: BTreeMap<Place, (GrantId, T)>,
    by_grant: HashMap<GrantId, Place>,
    /// The deadlines, in the order in which they came.
    by_number: BTreeMap<u64, Timestamp>,
    count: u64,
    let_in: usize,
}

impl<T> Default for WaitingLine<T> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), by_grant: HashMap::new(), by_number: BTreeMap::new(), count: 0, let_in: 0 }
    }
}

impl<T> WaitingLine<T> {
    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Joins the line. A grant that waits already must not join again.
    pub fn join(&mut self, grant: &GrantId, deadline: Timestamp, ticket: T) {
        self.count += 1;
        let place = (deadline, self.count);
        self.places.insert(place, (grant.clone(), ticket));
        self.by_grant.insert(grant.clone(), place);
        self.by_number.insert(place.1, deadline);
    }

    /// Moves a grant that waits forward.
    pub fn hasten(&mut self, grant: &GrantId, deadline: Timestamp) {
        let Some(&place) = self.by_grant.get(grant) else { return };
        if deadline < place.0
            && let Some(entry) = self.places.remove(&place)
        {
            let earlier = (deadline, place.1);
            self.places.insert(earlier, entry);
            self.by_grant.insert(grant.clone(), earlier);
            self.by_number.insert(earlier.1, deadline);
        }
    }

    /// Takes out whose turn it is.
    pub fn take_next(&mut self) -> Option<T> {
        let place = self.next()?;
        let (grant, ticket) = self.places.remove(&place)?;
        self.by_grant.remove(&grant);
        self.by_number.remove(&place.1);
        self.let_in += 1;
        Some(ticket)
    }

    fn next(&self) -> Option<Place> {
        if self.let_in % FAIR == FAIR - 1 {
            self.by_number.first_key_value().map(|(number, deadline)| (*deadline, *number))
        } else {
            self.places.first_key_value().map(|(place, _)| *place)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_comes_first_and_can_be_brought_forward() {
        let mut line = WaitingLine::default();
        for (name, deadline) in [("late", 300), ("early", 100), ("same", 100), ("idle", 900)] {
            line.join(&GrantId::parse(name).unwrap(), Timestamp::from_secs(deadline), name);
        }
        line.hasten(&GrantId::parse("idle").unwrap(), Timestamp::from_secs(50));
        line.hasten(&GrantId::parse("early").unwrap(), Timestamp::from_secs(200));
        let order: Vec<&str> = std::iter::from_fn(|| line.take_next()).collect();
        assert_eq!(order, ["idle", "early", "same", "late"]);
        assert!(line.is_empty() && line.by_grant.is_empty() && line.by_number.is_empty(), "nothing is left behind");
    }

    #[test]
    fn nobody_waits_for_ever_behind_those_who_are_needed_earlier() {
        let mut line = WaitingLine::default();
        line.join(&GrantId::parse("patient").unwrap(), Timestamp::from_secs(10_000), 0);
        let mut let_in = Vec::new();
        for number in 1..=FAIR {
            line.join(&GrantId::parse(&format!("pressing{number}")).unwrap(), Timestamp::from_secs(100), number);
            let_in.extend(line.take_next());
        }
        assert_eq!(let_in, [1, 2, 3, 4, 5, 6, 7, 0]);
        assert_eq!(line.take_next(), Some(FAIR));
    }
}
