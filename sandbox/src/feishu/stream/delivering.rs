//! Events, callbacks and acknowledgements: the platform's delivery rules over the hub.
//!
//! An event goes to one random connection and again until it is accepted. A callback has one chance. An
//! acknowledgement counts when it arrives in time, over whichever connection.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{sync::oneshot, time::Instant};

use super::{
    ack::{ACCEPTED, Ack},
    config::CallbackError,
    connection::Command,
    deliveries::{Due, Event},
    hub::{Hub, State},
    log::{AckOutcome, StreamLogKind},
    sample::Sample,
    sent::{Owner, Sent},
    shape::{self, Letter},
    trouble::CopyTo,
};

/// One delivery of an event or callback, before a connection is chosen.
struct Mail<'a> {
    owner: Owner,
    event: &'a Event,
    attempt: u8,
}

impl Hub {
    /// Queues an event; gives its id, made up where the envelope has none.
    pub(super) fn push_event(&self, envelope: Value, target: Option<u64>) -> String {
        let mut state = self.state();
        let event = state.event(envelope, target);
        let event_id = event.id.clone();
        state.deliveries.push(event, Instant::now());
        drop(state);
        self.wake.notify_one();
        event_id
    }

    /// Delivers whatever is due, for ever.
    pub(super) async fn dispatch(self: &Arc<Self>) {
        loop {
            let due = self.deliver_due();
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep_until(due) => {}
            }
        }
    }

    /// Delivers what is due now; says when to look again. Nothing is due while nobody is connected, unless it is posted.
    fn deliver_due(self: &Arc<Self>) -> Option<Instant> {
        let mut state = self.state();
        while state.endpoint.is_some() || state.seats.len() > 0 {
            match state.deliveries.take_due(Instant::now()) {
                None => return state.deliveries.next_due(),
                Some(Due::GaveUp(event)) => {
                    let event_id = event.id;
                    self.log.write(None, StreamLogKind::GaveUp { event_id });
                }
                Some(Due::Deliver(attempt)) => {
                    if let Some(endpoint) = state.endpoint.clone() {
                        self.post_event(endpoint, attempt);
                    } else {
                        let owner = Owner::Event(attempt.key);
                        self.post(&mut state, &Mail { owner, event: &attempt.event, attempt: attempt.number });
                    }
                }
            }
        }
        None
    }

    /// Sends a callback once and waits for its answer.
    pub(super) async fn callback(&self, envelope: Value) -> Result<Value, CallbackError> {
        if let Some(endpoint) = self.endpoint() {
            return self.post_callback(&endpoint, envelope).await;
        }
        let (answer, answered) = oneshot::channel();
        let number = self.send_callback(envelope, None, answer)?;
        let waited = tokio::time::timeout(self.config.callback_timeout, answered).await;
        self.state().callbacks.remove(&number);
        match waited {
            Ok(Ok(ack)) => ack.answer(),
            _ => Err(CallbackError::Timeout),
        }
    }

    fn send_callback(
        &self,
        envelope: Value,
        target: Option<u64>,
        answer: oneshot::Sender<Ack>,
    ) -> Result<u64, CallbackError> {
        let mut state = self.state();
        let number = state.next_callback;
        state.next_callback += 1;
        let event = state.event(envelope, target);
        let mail = Mail { owner: Owner::Callback(number), event: &event, attempt: 1 };
        if !self.post(&mut state, &mail) {
            return Err(CallbackError::NoConnection);
        }
        state.callbacks.insert(number, answer);
        Ok(number)
    }

    /// One message and one card action of the sandbox's own making, for a connection just opened.
    pub(super) fn auto_push(&self, connection: u64) {
        let sample =
            Sample { app_id: &self.config.app_id, tenant_key: &self.config.tenant_key, now_ms: (self.clock_ms)() };
        let (message, card) = {
            let random = &mut self.state().random;
            (sample.message(random), sample.card_action(random))
        };
        self.push_event(message, Some(connection));
        // Nobody waits for this answer; it is in the log.
        let _ = self.send_callback(card, Some(connection), oneshot::channel().0);
    }

    /// Puts one delivery and its copies on the way; false when nobody is connected.
    fn post(&self, state: &mut State, mail: &Mail<'_>) -> bool {
        let wanted = mail.event.target.filter(|_| mail.attempt == 1);
        let open = wanted.filter(|id| state.seats.get(*id).is_some());
        let Some(first) = open.or_else(|| state.choose(None)) else {
            return false;
        };
        self.post_to(state, mail, first);
        let Some(duplicate) = state.faults.duplicate.clone() else {
            return true;
        };
        for _ in 0..duplicate.copies {
            let to = match duplicate.to {
                CopyTo::Same => first,
                CopyTo::Other => state.choose(Some(first)).unwrap_or(first),
            };
            self.post_to(state, mail, to);
        }
        true
    }

    fn post_to(&self, state: &mut State, mail: &Mail<'_>, connection: u64) {
        let message_id = state.random.uuid();
        let letter = Letter {
            message_id: &message_id,
            payload: &mail.event.payload,
            timestamp_ms: (self.clock_ms)(),
            log_id: state.next_log_id,
        };
        let State { faults, random, .. } = state;
        let wires = shape::wires(&letter, faults, random);
        state.next_log_id += wires.len() as u64;
        let sent = Sent {
            owner: mail.owner,
            event_id: mail.event.id.clone(),
            deadline: Instant::now() + self.config.callback_timeout,
        };
        state.sent.insert(&message_id, sent);
        let entry = StreamLogKind::Sent {
            event_id: mail.event.id.clone(),
            event_type: mail.event.kind.clone(),
            message_id,
            attempt: mail.attempt,
        };
        self.log.write(Some(connection), entry);
        if let Some(handle) = state.seats.get(connection) {
            handle.tell(Command::Write(wires));
        }
    }

    /// An acknowledgement arrived: acts on it, later if the faults say so.
    pub(super) fn acknowledged(self: &Arc<Self>, connection: u64, ack: Ack) {
        let Some(delay) = self.state().faults.ack_delay_ms else {
            return self.settle(connection, ack);
        };
        let hub = Arc::clone(self);
        self.tracker.spawn(async move {
            tokio::select! {
                () = hub.stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(delay)) => hub.settle(connection, ack),
            }
        });
    }

    fn settle(&self, connection: u64, ack: Ack) {
        let (event_id, outcome) = self.state().settle(&ack, Instant::now());
        let entry = StreamLogKind::Ack {
            event_id,
            message_id: ack.message_id,
            code: ack.code,
            payload: ack.payload,
            biz_rt: ack.biz_rt,
            outcome,
        };
        self.log.write(Some(connection), entry);
    }
}

impl State {
    /// An envelope ready to travel: it has an event id, if only one made up here.
    pub(super) fn event(&mut self, mut envelope: Value, target: Option<u64>) -> Event {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let known = text(&envelope["header"]["event_id"]).or_else(|| text(&envelope["uuid"]));
        let event_id = known.unwrap_or_else(|| {
            let made_up = self.random.hex32();
            set_event_id(&mut envelope, &made_up);
            made_up
        });
        let kind = text(&envelope["header"]["event_type"]);
        let kind = kind.or_else(|| text(&envelope["event"]["type"]));
        Event { id: event_id, kind: kind.unwrap_or_default(), payload: envelope.to_string().into(), target }
    }

    fn settle(&mut self, ack: &Ack, now: Instant) -> (String, AckOutcome) {
        let Some(sent) = self.sent.get(&ack.message_id) else {
            return (String::new(), AckOutcome::Unknown);
        };
        let (owner, event_id) = (sent.owner, sent.event_id.clone());
        if now > sent.deadline {
            return (event_id, AckOutcome::Late);
        }
        let open = match owner {
            Owner::Event(_) if ack.code != ACCEPTED => return (event_id, AckOutcome::Refused),
            Owner::Event(key) => self.deliveries.settle(key),
            // Nobody may be waiting any more; the answer came all the same.
            Owner::Callback(number) => self.callbacks.remove(&number).is_some_and(|waiting| {
                let _ = waiting.send(ack.clone());
                true
            }),
        };
        let outcome = match (open, ack.code) {
            (false, _) => AckOutcome::Repeated,
            (true, ACCEPTED) => AckOutcome::Settled,
            (true, _) => AckOutcome::Refused,
        };
        (event_id, outcome)
    }
}

fn set_event_id(envelope: &mut Value, event_id: &str) {
    let Some(fields) = envelope.as_object_mut() else {
        return;
    };
    let header = fields.entry("header").or_insert_with(|| json!({}));
    if let Some(header) = header.as_object_mut() {
        header.insert("event_id".to_owned(), json!(event_id));
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
