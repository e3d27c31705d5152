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

    /// Joins the flight of this grant; the first one also gets to fly it.
    pub(super) fn join(&self, id: &GrantId) -> (Passenger, Option<Pilot>) {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(id) {
            return (Passenger(flight.outcome.clone()), None);
        }
        let (sender, receiver) = watch::channel(None);
        let news = Arc::<Notify>::default();
        flights.insert(id.clone(), Flight { outcome: receiver.clone(), news: Arc::clone(&news) });
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

    /// Ends the flight.
    pub(super) fn land(self, outcome: Result<(), RefreshError>) {
        self.sender.send_replace(Some(outcome));
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
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
        let (one, pilot) = flights.join(&id);
        let (two, nobody) = flights.join(&id);
        assert!(nobody.is_none());
        pilot.unwrap().land(Err(RefreshError::NeedsConsent));
        assert_eq!(one.landed().await, Err(RefreshError::NeedsConsent));
        assert_eq!(two.landed().await, Err(RefreshError::NeedsConsent));
        assert!(flights.join(&id).1.is_some(), "the next refresh is a new flight");
    }

    #[tokio::test]
    async fn news_reach_the_flight_that_they_concern() {
        let flights = SingleFlight::default();
        let (id, other) = (GrantId::parse("g").unwrap(), GrantId::parse("h").unwrap());
        let (pilot, another) = (flights.join(&id).1.unwrap(), flights.join(&other).1.unwrap());
        flights.hasten(&id);
        flights.hasten(&GrantId::parse("unknown").unwrap());
        pilot.news().notified().await;
        assert!(another.news().notified().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_lost_pilot_lets_the_passengers_go() {
        let flights = SingleFlight::default();
        let id = GrantId::parse("g").unwrap();
        let (passenger, pilot) = flights.join(&id);
        drop(pilot);
        assert_eq!(passenger.landed().await, Err(RefreshError::Unavailable));
    }
}
