//! One refresh per grant at a time in this process; everybody who wants it waits for the same one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use super::RefreshError;
use crate::domain::ids::GrantId;

/// What a flight ends with; `None` while it is under way.
type Outcome = Option<Result<(), RefreshError>>;

/// The flights under way, by grant.
type Flights = Mutex<HashMap<GrantId, Flight>>;

struct Flight {
    outcome: watch::Receiver<Outcome>,
    news: Arc<Notify>,
    /// Somebody needs the outcome.
    is_needed: bool,
}

/// The flights under way.
#[derive(Default)]
pub(super) struct SingleFlight(Arc<Flights>);

/// Whoever holds this flies. Dropped without landing (a panic), it lets the waiters go with an error.
pub(super) struct Pilot {
    flights: Arc<Flights>,
    id: GrantId,
    news: Arc<Notify>,
    sender: watch::Sender<Outcome>,
}

/// Waits for a flight.
#[derive(Clone)]
pub(super) struct Passenger(watch::Receiver<Outcome>);

impl SingleFlight {
    /// How many flights are under way.
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether one is under way for this grant.
    pub(super) fn has(&self, id: &GrantId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Joins the flight of this grant; the first one also gets to fly it. Whoever does not need the outcome must not expect one.
    pub(super) fn join(&self, id: &GrantId, needs_it: bool) -> (Passenger, Option<Pilot>) {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get_mut(id) {
            flight.is_needed |= needs_it;
            return (Passenger(flight.outcome.clone()), None);
        }
        let (sender, receiver) = watch::channel(None);
        let news = Arc::<Notify>::default();
        let flight = Flight { outcome: receiver.clone(), news: Arc::clone(&news), is_needed: needs_it };
        flights.insert(id.clone(), flight);
        let pilot = Pilot { flights: Arc::clone(&self.0), id: id.clone(), news, sender };
        (Passenger(receiver), Some(pilot))
    }

    /// There may be news of this grant: its flight, if there is one, need not wait for them any longer.
    pub(super) fn hasten(&self, id: &GrantId) {
        if let Some(flight) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            flight.news.notify_one();
        }
    }
}

impl Pilot {
    /// What tells of news while the flight waits.
    pub(super) fn news(&self) -> Arc<Notify> {
        Arc::clone(&self.news)
    }

    /// Breaks the flight off, if nobody needs its outcome; whether it did. Whoever comes next gets a flight of their own.
    pub(super) fn breaks_off(&self) -> bool {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        let is_needed = flights.get(&self.id).is_some_and(|flight| flight.is_needed);
        if !is_needed {
            flights.remove(&self.id);
        }
        !is_needed
    }

    /// Ends the flight.
    pub(super) fn land(self, outcome: Result<(), RefreshError>) {
        self.sender.send_replace(Some(outcome));
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was broken off may have a successor.
        if flights.get(&self.id).is_some_and(|flight| Arc::ptr_eq(&flight.news, &self.news)) {
            flights.remove(&self.id);
        }
    }
}

impl Passenger {
    /// The outcome of the flight.
    pub(super) async fn landed(mut self) -> Result<(), RefreshError> {
        match self.0.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.unwrap_or(Err(RefreshError::Unavailable)),
            Err(_) => Err(RefreshError::Unavailable),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn all_who_join_share_one_flight() {
        let flights = SingleFlight::default();
        let id = GrantId::parse("g").unwrap();
        let (one, pilot) = flights.join(&id, true);
        let (two, nobody) = flights.join(&id, true);
        assert!(nobody.is_none());
        pilot.unwrap().land(Err(RefreshError::NeedsConsent));
        assert_eq!(one.landed().await, Err(RefreshError::NeedsConsent));
        assert_eq!(two.landed().await, Err(RefreshError::NeedsConsent));
        assert!(flights.join(&id, true).1.is_some(), "the next refresh is a new flight");
    }

    #[tokio::test]
    async fn news_reach_the_flight_that_they_concern() {
        let flights = SingleFlight::default();
        let (id, other) = (GrantId::parse("g").unwrap(), GrantId::parse("h").unwrap());
        let (pilot, another) = (flights.join(&id, true).1.unwrap(), flights.join(&other, true).1.unwrap());
        flights.hasten(&id);
        flights.hasten(&GrantId::parse("unknown").unwrap());
        pilot.news().notified().await;
        assert!(another.news().notified().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_lost_pilot_lets_the_passengers_go() {
        let flights = SingleFlight::default();
        let id = GrantId::parse("g").unwrap();
        let (passenger, pilot) = flights.join(&id, true);
        drop(pilot);
        assert_eq!(passenger.landed().await, Err(RefreshError::Unavailable));
    }

    #[tokio::test]
    async fn a_flight_that_nobody_needs_can_be_broken_off_and_one_that_somebody_needs_cannot() {
        let flights = SingleFlight::default();
        let id = GrantId::parse("g").unwrap();
        let (_, pilot) = flights.join(&id, false);
        let pilot = pilot.unwrap();
        assert!(pilot.breaks_off());
        let (passenger, next) = flights.join(&id, false);
        drop(pilot);
        assert!(flights.has(&id), "the end of the first is not the end of the second");
        drop(flights.join(&id, true));
        let next = next.unwrap();
        assert!(!next.breaks_off(), "somebody needs it now");
        next.land(Ok(()));
        assert_eq!(passenger.landed().await, Ok(()));
    }
}
