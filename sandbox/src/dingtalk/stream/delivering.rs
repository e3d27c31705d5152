//! Events, callbacks and acknowledgements: the platform's delivery rules over the hub.
//!
//! An event goes to one random connection and again until it is accepted. A callback has one chance, and none when nobody is
//! connected. An acknowledgement counts when it arrives in time, over whichever connection.

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::config::CallbackError;
use super::connection::Command;
use super::frame::{Ack, CARD_TOPIC, Kind, Push, Wish};
use super::hub::{Hub, Owner, State};
use super::log::{AckOutcome, StreamLogKind};
use crate::random;
use crate::websocket::deliveries::{Due, Event};
use crate::websocket::raw::Wire;
use crate::websocket::seats::NoConnection;
use crate::websocket::sent::Sent;
use crate::websocket::trouble::{CloseWhen, CopyTo};

/// One push before a connection is chosen.
struct Mail<'a> {
    owner: Owner,
    push: &'a Push,
    id: &'a str,
    /// The topic, or the type of the event.
    topic: &'a str,
    attempt: u8,
}

impl Hub {
    /// Queues an event.
    pub(super) fn push_event(&self, event_id: &str, event_type: &str, data: &Value) {
        let born = json!({"born_ms": self.config.clock.now_ms(), "data": data.to_string()});
        let event = Event {
            id: event_id.to_owned(),
            kind: event_type.to_owned(),
            payload: born.to_string().into(),
            target: None,
        };
        self.state().deliveries.push(event, Instant::now());
        self.wake.notify_one();
    }

    /// Delivers whatever is due, for ever.
    pub(super) async fn dispatch(&self) {
        loop {
            let due = self.deliver_due();
            tokio::select! {
                () = self.wake.notified() => {}
                () = async { match due {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                } } => {}
            }
        }
    }

    /// Delivers what is due now; says when to look again. Nothing is due while nobody listens to events.
    fn deliver_due(&self) -> Option<Instant> {
        let mut state = self.state();
        while state.choose(Kind::Event, "*", None).is_some() {
            match state.deliveries.take_due(Instant::now()) {
                None => return state.deliveries.next_due(),
                Some(Due::GaveUp(event)) => self.log.write(None, StreamLogKind::GaveUp { id: event.id }),
                Some(Due::Deliver(attempt)) => {
                    let push = self.event_push(&attempt.event);
                    let mail = Mail {
                        owner: Owner::Event(attempt.key),
                        push: &push,
                        id: &attempt.event.id,
                        topic: &attempt.event.kind,
                        attempt: attempt.number,
                    };
                    self.post(&mut state, &mail);
                }
            }
        }
        None
    }

    pub(super) fn event_push(&self, event: &Event) -> Push {
        let born: Value = serde_json::from_slice(&event.payload).unwrap_or_default();
        let headers = [
            ("eventId", event.id.clone()),
            ("eventType", event.kind.clone()),
            ("eventBornTime", born["born_ms"].to_string()),
            ("eventCorpId", self.config.corp_id.clone()),
            ("eventUnifiedAppId", self.unified_app_id()),
        ];
        let more = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let data = born["data"].as_str().unwrap_or_default().to_owned();
        Push { kind: Kind::Event, topic: "*".to_owned(), more, data }
    }

    /// The app's third name, a UUID.
    fn unified_app_id(&self) -> String {
        let hex = random::fixed_hex(&format!("unified {}", self.config.client_id));
        uuid::Uuid::parse_str(&hex).map_or(hex, |id| id.to_string())
    }

    /// Sends a callback that needs no answer; gives the connection, none when it is lost.
    pub(super) fn tell(&self, topic: &str, id: &str, data: &Value) -> Option<u64> {
        let push = Push { kind: Kind::Callback, topic: topic.to_owned(), more: Vec::new(), data: data.to_string() };
        let mail = Mail { owner: Owner::Nobody, push: &push, id, topic, attempt: 1 };
        self.post(&mut self.state(), &mail)
    }

    /// Sends a card action once and waits for the `response` in its answer.
    pub(super) async fn callback(&self, id: &str, data: &Value) -> Result<Value, CallbackError> {
        let (answer, answered) = oneshot::channel();
        let number = self.send_callback(id, data, answer)?;
        let waited = tokio::time::timeout(self.config.callback_timeout, answered).await;
        self.state().callbacks.remove(&number);
        let Ok(Ok(ack)) = waited else {
            return Err(CallbackError::Timeout);
        };
        if ack.code != 200 {
            return Err(CallbackError::Refused(ack.code));
        }
        let response = ack.data.get("response").cloned();
        response.filter(|response| response.is_object() || response.is_null()).ok_or(CallbackError::Malformed)
    }

    fn send_callback(&self, id: &str, data: &Value, answer: oneshot::Sender<Ack>) -> Result<u64, CallbackError> {
        let push =
            Push { kind: Kind::Callback, topic: CARD_TOPIC.to_owned(), more: Vec::new(), data: data.to_string() };
        let mut state = self.state();
        let number = state.next_callback;
        state.next_callback += 1;
        let mail = Mail { owner: Owner::Callback(number), push: &push, id, topic: CARD_TOPIC, attempt: 1 };
        self.post(&mut state, &mail).ok_or(CallbackError::NoConnection)?;
        state.callbacks.insert(number, answer);
        Ok(number)
    }

    /// Puts one push and its copies on the way; gives the connection, none when nobody wants it.
    fn post(&self, state: &mut State, mail: &Mail<'_>) -> Option<u64> {
        let Some(first) = state.choose(mail.push.kind, &mail.push.topic, None) else {
            let (id, topic) = (mail.id.to_owned(), mail.topic.to_owned());
            self.log.write(None, StreamLogKind::Lost { id, topic });
            return None;
        };
        self.post_to(state, mail, first);
        for _ in 0..state.faults.duplicate.as_ref().map_or(0, |duplicate| duplicate.copies) {
            let other = state.faults.duplicate.as_ref().is_some_and(|duplicate| duplicate.to == CopyTo::Other);
            let elsewhere = state.choose(mail.push.kind, &mail.push.topic, Some(first)).filter(|_| other);
            self.post_to(state, mail, elsewhere.unwrap_or(first));
        }
        Some(first)
    }

    fn post_to(&self, state: &mut State, mail: &Mail<'_>, connection: u64) {
        if let Some(close) = state.faults.spend_close(CloseWhen::InsteadOfEvent) {
            return send(state, connection, vec![Wire::close(close.code, &close.reason)]);
        }
        let message_id = self.message_id(state, mail.push.kind);
        let frame = self.frame(state, mail.push, &message_id, connection);
        let mut wires: Vec<Wire> = state.faults.garbage.iter().cloned().map(Wire::from).collect();
        wires.push(Wire::Message(Message::text(frame.to_string())));
        if let Some(close) = state.faults.spend_close(CloseWhen::AfterEvent) {
            wires.push(Wire::close(close.code, &close.reason));
        }
        let wait = match mail.owner {
            Owner::Event(_) => self.config.redelivery(),
            _ => self.config.callback_timeout,
        };
        let sent = Sent { owner: mail.owner, event_id: mail.id.to_owned(), deadline: Instant::now() + wait };
        state.sent.insert(&message_id, sent);
        let entry = StreamLogKind::Sent {
            id: mail.id.to_owned(),
            r#type: mail.push.kind.name(),
            topic: mail.topic.to_owned(),
            message_id,
            attempt: mail.attempt,
        };
        self.log.write(Some(connection), entry);
        send(state, connection, wires);
    }

    /// A push as it is sent over that connection.
    pub(super) fn frame(&self, state: &State, push: &Push, message_id: &str, connection: u64) -> Value {
        let now_ms = self.config.clock.now_ms();
        let mut frame = push.frame(message_id, now_ms);
        if push.kind != Kind::System {
            let id = state.seats.get(connection).map(|handle| handle.guest.pass.connection_id.as_str());
            frame["headers"]["appId"] = json!(self.unified_app_id());
            frame["headers"]["connectionId"] = json!(id);
        }
        if state.faults.numeric_time {
            frame["headers"]["time"] = json!(now_ms);
        }
        frame
    }

    /// Opaque, and shaped as the platform's are.
    fn message_id(&self, state: &mut State, kind: Kind) -> String {
        let (ms, number) = (self.config.clock.now_ms(), state.random.next());
        match kind {
            Kind::System => format!("c0a80001{ms}{:x}", number & 0xffff),
            _ => format!("{:08x}_{}_{ms:x}_{:x}", number >> 32, number % 1000, number & 0xffff),
        }
    }

    /// A `SYSTEM` frame on that connection.
    pub(super) fn system(&self, connection: u64, topic: &str, data: &Value) {
        let push = Push::system(topic, data);
        let mail = Mail { owner: Owner::Nobody, push: &push, id: "", topic, attempt: 1 };
        self.post_to(&mut self.state(), &mail, connection);
    }

    /// A `SYSTEM` frame on every connection.
    pub(super) fn system_to_all(&self, topic: &str, data: &Value) {
        let open: Vec<u64> = self.state().seats.iter_mut().map(|(id, _)| id).collect();
        for connection in open {
            self.system(connection, topic, data);
        }
    }

    /// Tells a connection, or all, that they end; nothing is pushed to them any more.
    pub(super) fn disconnect(&self, connection: Option<u64>, reason: &str) -> Result<usize, NoConnection> {
        let chosen: Vec<u64> = {
            let mut state = self.state();
            let mine = |id: u64| connection.is_none_or(|only| only == id);
            let open = state.seats.iter_mut().filter(|(id, handle)| mine(*id) && !handle.guest.draining);
            open.map(|(id, handle)| {
                handle.guest.draining = true;
                id
            })
            .collect()
        };
        for id in &chosen {
            self.system(*id, "disconnect", &json!({"reason": reason}));
            if let Some(handle) = self.state().seats.get(*id) {
                handle.tell(Command::Drain);
            }
        }
        if chosen.is_empty() { Err(NoConnection) } else { Ok(chosen.len()) }
    }

    /// An acknowledgement arrived.
    pub(super) fn acknowledged(&self, connection: u64, ack: Ack) {
        let (id, outcome) = self.state().settle(&ack, Instant::now());
        let Ack { message_id, code, data, .. } = ack;
        self.log.write(Some(connection), StreamLogKind::Ack { id, message_id, code, data, outcome });
    }
}

fn send(state: &State, connection: u64, wires: Vec<Wire>) {
    if let Some(handle) = state.seats.get(connection) {
        handle.tell(Command::Write(wires));
    }
}

impl State {
    fn settle(&mut self, ack: &Ack, now: Instant) -> (String, AckOutcome) {
        let Some(sent) = self.sent.get(&ack.message_id) else {
            return (String::new(), AckOutcome::Unknown);
        };
        let (owner, id) = (sent.owner, sent.event_id.clone());
        if self.faults.lose_acks {
            return (id, AckOutcome::Lost);
        }
        let late = now > sent.deadline;
        let outcome = match (owner, ack.wish()) {
            (Owner::Nobody, _) => AckOutcome::Noted,
            _ if late => AckOutcome::Late,
            (Owner::Event(_), Wish::Later) => AckOutcome::Later,
            (Owner::Event(_), Wish::Unhandled) => AckOutcome::Unhandled,
            (Owner::Event(key), Wish::Taken) => settled(self.deliveries.settle(key)),
            (Owner::Callback(number), _) => settled(self.callbacks.remove(&number).is_some_and(|waiting| {
                let _ = waiting.send(ack.clone());
                true
            })),
        };
        (id, outcome)
    }
}

fn settled(first: bool) -> AckOutcome {
    if first { AckOutcome::Settled } else { AckOutcome::Repeated }
}
