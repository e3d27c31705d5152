//! One refresh per grant at a time in this process; everybody who wants it waits for the same one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::RefreshError;
use crate::domain::ids::GrantId;

/// What a flight ends with; `None` while it is under way.
type Outcome = Option<Result<(), RefreshError>>;

/// The flights under way.
#[derive(Default)]
pub(super) struct SingleFlight(Arc<Mutex<HashMap<GrantId, watch::Receiver<Outcome>>>>);

/// Whoever holds this flies. Dropped without landing (a panic), it lets the waiters go with an error.
pub(super) struct Pilot {
    flights: Arc<Mutex<HashMap<GrantId, watch::Receiver<Outcome>>>>,
    id: GrantId,
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

    /// Joins the flight of this grant; the first one also gets to fly it.
    pub(super) fn join(&self, id: &GrantId) -> (Passenger, Option<Pilot>) {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(id) {
            return (Passenger(flight.clone()), None);
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(id.clone(), receiver.clone());
        let pilot = Pilot { flights: Arc::clone(&self.0), id: id.clone(), sender };
        (Passenger(receiver), Some(pilot))
    }
}

impl Pilot {
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
    async fn a_lost_pilot_lets_the_passengers_go() {
        let flights = SingleFlight::default();
        let id = GrantId::parse("g").unwrap();
        let (passenger, pilot) = flights.join(&id);
        drop(pilot);
        assert_eq!(passenger.landed().await, Err(RefreshError::Unavailable));
    }
}
