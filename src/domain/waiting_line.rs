//! Who is let in next: whoever is needed earliest; of equals, whoever came first. One place for a grant; pure.

use std::collections::{BTreeMap, HashMap};

use crate::domain::clock::Timestamp;
use crate::domain::ids::GrantId;

/// A place in the line: a deadline, then a number.
type Place = (Timestamp, u64);

/// Grants that wait, each with what it takes to let it in.
#[derive(Debug)]
pub struct WaitingLine<T> {
    places: BTreeMap<Place, (GrantId, T)>,
    by_grant: HashMap<GrantId, Place>,
    count: u64,
}

impl<T> Default for WaitingLine<T> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), by_grant: HashMap::new(), count: 0 }
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
        }
    }

    /// Takes out who is first.
    pub fn take_first(&mut self) -> Option<T> {
        let (_, (grant, ticket)) = self.places.pop_first()?;
        self.by_grant.remove(&grant);
        Some(ticket)
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
        let order: Vec<&str> = std::iter::from_fn(|| line.take_first()).collect();
        assert_eq!(order, ["idle", "early", "same", "late"]);
        assert!(line.is_empty() && line.by_grant.is_empty(), "nothing is left behind");
    }
}
