//! Auth sessions: what is stored comes back, opening is limited, the jobs find their work.

use super::inbox::execute;
use super::*;
use crate::domain::auth_session::{Completed, Exchanging, Failure};
use crate::domain::ids::{MessageId, TenantKey};

on_each_database!(
    every_shape_comes_back_as_it_was,
    a_subject_has_one_pending_session,
    of_many_that_ask_at_once_one_opens,
    cards_are_limited_per_subject_and_minute,
    a_card_wanted_later_is_limited_like_one_wanted_at_once,
    cards_put_off_come_later_and_disturb_no_transition,
    jobs_find_what_is_due_and_nothing_else,
    a_row_that_does_not_decode_is_named,
    the_database_refuses_what_cannot_be,
);

/// One of each shape that a session can have.
fn shapes() -> Vec<AuthSession> {
    let sending = CardDelivery::Sending { send_no: 3 };
    let sent = CardDelivery::Sent { message: MessageId::parse("om_1").unwrap(), shown: "ask:0:1:2".to_owned() };
    let exchanging = State::Exchanging(Exchanging { code: secret("c"), verifier: secret("v"), since: at(5) });
    let completed =
        State::Completed(Completed { at: at(6), grant: grant_id("g"), missing: ScopeSet::from_list("im:message") });
    let states = [
        State::Waiting,
        exchanging,
        completed,
        State::Rejected { at: at(6) },
        State::Expired { at: at(6) },
        State::Mismatched { at: at(6) },
        State::Failed { at: at(6), reason: Failure::RecipientUnreachable },
        State::Cancelled { at: at(6) },
    ];
    let ways = [Way::Redirect, device(at(5)), paste()];
    let cards = [CardDelivery::None, sending, sent];
    (0..24)
        .map(|number: usize| AuthSession {
            tenant: number.is_multiple_of(2).then(|| TenantKey::parse("tenant").unwrap()),
            reason: number.is_multiple_of(3).then(|| "why".to_owned()),
            opened_at: number.is_multiple_of(5).then(|| at(1)),
            card_due_at: number.is_multiple_of(7).then(|| at(2)),
            attempts: 2,
            way: ways[number % 3].clone(),
            card: cards[number / 8].clone(),
            state: states[number % 8].clone(),
            ..session(&format!("s{number}"), &format!("ou_{number}"))
        })
        .collect()
}

/// Everything of a session, the secrets too.
fn shown(session: &AuthSession) -> String {
    let way = match &session.way {
        Way::Redirect => String::new(),
        Way::Device(flow) => format!("{} {}", flow.device_code.expose(), flow.verification_uri.expose()),
        Way::Paste(flow) => format!("{} {}", flow.state.expose(), flow.verifier.expose()),
    };
    let code = match &session.state {
        State::Exchanging(exchange) => format!("{} {}", exchange.code.expose(), exchange.verifier.expose()),
        _ => String::new(),
    };
    format!("{session:?} {way} {code}")
}

async fn every_shape_comes_back_as_it_was(home: Home) {
    let store = home.open().await;
    for session in shapes() {
        assert!(matches!(store.open_session(&session, 5, at(0)).await.unwrap(), Open::Created));
        let read = store.auth_session(&session.id).await.unwrap().unwrap();
        assert_eq!(shown(&read), shown(&session));
        let saved = stored(store.save_session(read).await.unwrap());
        let read = store.auth_session(&session.id).await.unwrap().unwrap();
        assert_eq!((shown(&read), read.version), (shown(&saved), 2));
    }
    assert!(store.auth_session(&AuthSessionId::parse("other").unwrap()).await.unwrap().is_none());
}

async fn a_subject_has_one_pending_session(home: Home) {
    let store = home.open().await;
    let first = session("s1", "ou_1");
    store.open_session(&first, 5, at(0)).await.unwrap();
    let Open::Exists(found) = store.open_session(&session("s2", "ou_1"), 5, at(0)).await.unwrap() else { panic!() };
    assert_eq!(found.id, first.id);
    assert_eq!(store.pending_session(&subject("ou_1")).await.unwrap().unwrap().id, first.id);
    assert!(matches!(store.open_session(&session("s3", "ou_2"), 5, at(0)).await.unwrap(), Open::Created));
    assert_eq!(store.count_pending(&app("cli_a")).await.unwrap(), 2);
    assert_eq!(store.count_pending(&app("cli_b")).await.unwrap(), 0);
    stored(store.save_session(first.rejected(at(1)).unwrap()).await.unwrap());
    assert!(store.pending_session(&subject("ou_1")).await.unwrap().is_none());
    assert!(matches!(store.open_session(&session("s2", "ou_1"), 5, at(0)).await.unwrap(), Open::Created));
}

async fn of_many_that_ask_at_once_one_opens(home: Home) {
    let store = home.open().await;
    let asks = (0..100).map(|number| {
        let store = store.clone();
        async move { store.open_session(&session(&format!("s{number}"), "ou_1"), 5, at(0)).await.unwrap() }
    });
    let opened = futures_util::future::join_all(asks).await;
    assert_eq!(opened.iter().filter(|open| matches!(open, Open::Created)).count(), 1);
    assert_eq!(opened.iter().filter(|open| matches!(open, Open::Exists(_))).count(), 99);
}

async fn cards_are_limited_per_subject_and_minute(home: Home) {
    let store = home.open().await;
    let open = async |number: i64, secs: i64, card: CardDelivery| {
        let session = AuthSession { card, created_at: at(secs), ..session(&format!("s{number}"), "ou_1") };
        let open = store.open_session(&session, 2, at(secs)).await.unwrap();
        if matches!(open, Open::Created) {
            stored(store.save_session(session.rejected(at(secs)).unwrap()).await.unwrap());
        }
        match open {
            Open::Created => None,
            Open::TooMany { retry_after } => Some(retry_after.as_secs()),
            Open::Exists(_) => panic!("it was ended"),
        }
    };
    let card = CardDelivery::Sending { send_no: 1 };
    assert_eq!(open(1, 0, CardDelivery::None).await, None, "no card, not counted");
    assert_eq!(open(2, 1, card.clone()).await, None);
    assert_eq!(open(3, 20, card.clone()).await, None);
    assert_eq!(open(4, 30, card.clone()).await, Some(31), "until the first one is a minute old");
    assert_eq!(open(5, 30, CardDelivery::None).await, None, "no card, not limited");
    assert_eq!(open(6, 60, card.clone()).await, Some(1));
    assert_eq!(open(7, 61, card.clone()).await, None);
    assert_eq!(open(8, 62, card.clone()).await, Some(18));
    let nobody = AuthSession { card, ..session("s9", "ou_2") };
    let none = store.open_session(&nobody, 0, at(0)).await.unwrap();
    assert!(matches!(none, Open::TooMany { retry_after } if retry_after.as_secs() == 60));
}

async fn a_card_wanted_later_is_limited_like_one_wanted_at_once(home: Home) {
    let store = home.open().await;
    let card = CardDelivery::Sending { send_no: 1 };
    let later = async |number: i64, opened: i64, wanted: i64| {
        let session = AuthSession { created_at: at(opened), ..session(&format!("s{number}"), "ou_1") };
        assert!(matches!(store.open_session(&session, 2, at(opened)).await.unwrap(), Open::Created));
        let looked = store.card_limit(&session.subject, 2, at(wanted)).await.unwrap();
        let with_card = AuthSession { card: card.clone(), ..session.clone() };
        let (session, refused) = match store.save_with_card(with_card, 2, at(wanted)).await.unwrap() {
            SaveCard::Stored(stored) => (*stored, None),
            SaveCard::TooMany { retry_after } => (session, Some(retry_after)),
            SaveCard::Lost => panic!("lost"),
        };
        assert_eq!(looked, refused, "the look ahead says the same");
        stored(store.save_session(session.rejected(at(wanted)).unwrap()).await.unwrap());
        refused.map(|wait| wait.as_secs())
    };
    assert_eq!(later(1, 0, 300).await, None);
    assert_eq!(later(2, 301, 301).await, None);
    assert_eq!(later(3, 302, 310).await, Some(50), "counted from when the first card was wanted");
    assert_eq!(later(4, 311, 360).await, None);
    let opened = AuthSession { card, created_at: at(360), ..session("s5", "ou_1") };
    assert!(matches!(store.open_session(&opened, 2, at(360)).await.unwrap(), Open::TooMany { .. }), "counts all");
}

async fn cards_put_off_come_later_and_disturb_no_transition(home: Home) {
    let store = home.open().await;
    let due = AuthSession { card_due_at: Some(at(1)), ..session("s1", "ou_1") };
    let not_due = AuthSession { card_due_at: Some(at(9)), ..session("s2", "ou_2") };
    for session in [&due, &not_due] {
        store.open_session(session, 5, at(0)).await.unwrap();
    }
    store.put_cards_off([&due.id, &not_due.id].into_iter(), at(1), at(5)).await.unwrap();
    let apps = [app("cli_a")];
    assert!(store.cards_due(&apps, at(4), 9).await.unwrap().is_empty());
    assert_eq!(store.cards_due(&apps, at(5), 9).await.unwrap().len(), 1);
    assert_eq!(store.auth_session(&not_due.id).await.unwrap().unwrap().card_due_at, Some(at(9)));
    stored(store.save_session(due).await.unwrap());
}

async fn jobs_find_what_is_due_and_nothing_else(home: Home) {
    let store = home.open().await;
    for session in shapes() {
        store.open_session(&session, 5, at(0)).await.unwrap();
    }
    let ids = |sessions: Vec<AuthSession>| -> Vec<String> {
        let mut ids: Vec<String> = sessions.iter().map(|session| session.id.to_string()).collect();
        ids.sort();
        ids
    };
    let apps = [app("cli_a"), app("cli_z")];
    assert!(store.overdue_sessions(at(599), 99).await.unwrap().is_empty());
    assert_eq!(ids(store.overdue_sessions(at(600), 99).await.unwrap()), ["s0", "s16", "s8"]);
    assert_eq!(store.overdue_sessions(at(600), 2).await.unwrap().len(), 2);
    assert!(store.exchanging_sessions(&apps, at(5), 99).await.unwrap().is_empty());
    assert_eq!(ids(store.exchanging_sessions(&apps, at(6), 99).await.unwrap()), ["s1", "s17", "s9"]);
    assert!(store.device_due(at(4), 99).await.unwrap().is_empty());
    assert_eq!(ids(store.device_due(at(5), 99).await.unwrap()), ["s16"], "waiting, and of the device way");
    assert!(store.cards_due(&apps, at(1), 99).await.unwrap().is_empty());
    assert_eq!(ids(store.cards_due(&apps, at(2), 99).await.unwrap()), ["s0", "s14", "s21", "s7"]);
    let others = [app("cli_b")];
    assert!(store.cards_due(&others, at(2), 99).await.unwrap().is_empty(), "of an app that is not asked for");
    assert!(store.exchanging_sessions(&others, at(6), 99).await.unwrap().is_empty());
    assert!(store.cards_due(&[], at(2), 99).await.unwrap().is_empty());
}

#[tokio::test]
async fn jobs_find_their_work_by_index() {
    let home = Home::new();
    let store = home.open().await;
    let queries = [
        ("state = 'waiting' AND expires_at <= 5 ORDER BY expires_at", "auth_sessions_state_expires"),
        (
            "exchanging_since < 5 AND COALESCE(app_id, '') IN ('a', 'b') ORDER BY exchanging_since",
            "auth_sessions_exchanging",
        ),
        ("poll_due_at <= 5 ORDER BY poll_due_at", "auth_sessions_poll_due"),
        ("card_due_at <= 5 AND COALESCE(app_id, '') IN ('a') ORDER BY card_due_at", "auth_sessions_card_due"),
        ("ended_at < 5 ORDER BY ended_at", "auth_sessions_ended"),
        (
            "app_id = 'a' AND subject = 's' AND card_wanted_at > 5 ORDER BY card_wanted_at DESC",
            "auth_sessions_card_wanted",
        ),
        ("open_key = 'k'", "sqlite_autoindex_auth_sessions_2"),
    ];
    for (condition, index) in queries {
        let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM auth_sessions WHERE {condition}");
        let plan = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
        let rows = sea_orm::ConnectionTrait::query_all_raw(&store.reads, plan).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        assert_eq!(plan.len(), 1, "{condition}: {plan:?}");
        assert!(plan[0].contains(index), "{condition}: {plan:?}");
    }
}

async fn a_row_that_does_not_decode_is_named(home: Home) {
    let damages: [(&'static str, &'static str); 10] = [
        ("UPDATE auth_sessions SET app_id = ''", "app_id"),
        ("UPDATE auth_sessions SET tenant = 'two words'", "tenant"),
        ("UPDATE auth_sessions SET requesters = 'x'", "requesters"),
        ("UPDATE auth_sessions SET attempts = -1", "attempts"),
        ("UPDATE auth_sessions SET card_state = 'sent'", "card_message"),
        ("UPDATE auth_sessions SET way_sealed = NULL", "way_sealed"),
        ("UPDATE auth_sessions SET way_sealed = zeroblob(60)", "way_sealed"),
        ("UPDATE auth_sessions SET next_poll_at = NULL", "next_poll_at"),
        ("UPDATE auth_sessions SET version = version + 1", "way_sealed"),
        ("UPDATE auth_sessions SET way = 'paste'", "way_sealed"),
    ];
    for (sql, column) in damages {
        let home = home.another();
        let store = home.open().await;
        let session = AuthSession { way: device(at(5)), ..session("s1", "ou_1") };
        store.open_session(&session, 5, at(0)).await.unwrap();
        execute(&store, sql).await;
        let error = store.auth_session(&session.id).await.unwrap_err();
        assert_eq!(error, StoreError::Corrupt { table: "auth_sessions", column, id: "s1".to_owned() }, "{sql}");
        assert!(store.device_due(at(5), 9).await.unwrap().is_empty(), "a job goes on without it");
    }
}

async fn the_database_refuses_what_cannot_be(home: Home) {
    let store = home.open().await;
    store.open_session(&session("s1", "ou_1"), 5, at(0)).await.unwrap();
    for sql in [
        "UPDATE auth_sessions SET state = 'completed'",
        "UPDATE auth_sessions SET state = 'completed', ended_at = 1, open_key = NULL",
        "UPDATE auth_sessions SET state = 'rejected', open_key = NULL",
        "UPDATE auth_sessions SET state = 'rejected', ended_at = 1",
        "UPDATE auth_sessions SET ended_at = 1",
        "UPDATE auth_sessions SET grant_id = 'g'",
        "UPDATE auth_sessions SET open_key = NULL",
        "UPDATE auth_sessions SET state = 'exchanging'",
        "UPDATE auth_sessions SET state = 'pending'",
        "UPDATE auth_sessions SET way = 'pigeon'",
        "UPDATE auth_sessions SET card_state = 'lost'",
    ] {
        let result = store
            .write(move |scope| {
                Box::pin(async move {
                    sea_orm::ConnectionTrait::execute_unprepared(&scope.tx, sql).await?;
                    Ok(())
                })
            })
            .await;
        assert!(result.is_err(), "{sql}");
    }
}
