//! What people are called: whose is looked up, and what is kept of it.

use super::*;
use crate::domain::event::{Change, Event, EventKind};
use crate::domain::token::Identity;

on_each_database!(
    whoever_was_not_looked_up_lately_is_found_page_by_page,
    what_the_platform_says_replaces_what_was_known,
    a_new_consent_is_not_overwritten,
);

fn identity(name: &str) -> Identity {
    Identity {
        subject: SubjectId::parse("ou_1").unwrap(),
        tenant: None,
        name: Some(name.to_owned()),
        mobile: None,
        email: Some(secret("CANARY-new@example.com")),
    }
}

async fn found(store: &Store, since: Timestamp, now: Timestamp) -> Vec<String> {
    let (mut all, mut after): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let page = store.people_to_look_up(&app("cli_a"), since, now, after.as_deref(), 2).await.unwrap();
        all.extend(page.grants.iter().map(|grant| grant.facts.id.to_string()));
        if page.next.is_none() {
            assert_eq!(store.count_people_to_look_up(&app("cli_a"), since, now).await.unwrap(), all.len() as u64);
            return all;
        }
        after = page.next;
    }
}

async fn whoever_was_not_looked_up_lately_is_found_page_by_page(home: Home) {
    let store = home.open().await;
    let mut facts = Vec::new();
    for number in 0..5 {
        facts.push(
            complete(&store, session(&format!("s{number}"), &format!("ou_{number}")), &format!("g{number}"), "t").await,
        );
    }
    assert_eq!(found(&store, at(3), at(100)).await, ["g0", "g1", "g2", "g3", "g4"]);
    assert_eq!(found(&store, at(2), at(100)).await, Vec::<String>::new(), "their consent said it just now");
    assert_eq!(found(&store, at(3), at(9_000)).await, Vec::<String>::new(), "no token lives");
    store.note_user_info(&facts[1], &identity("Bo"), at(50)).await.unwrap();
    store.mark_needs_consent(&facts[2].id, facts[2].version, 1.into(), at(50)).await.unwrap();
    inbox::execute(&store, "UPDATE grants SET access_sealed = refresh_sealed WHERE id = 'g3'").await;
    let suspended = Event {
        app: app("cli_a"),
        id: event("e"),
        tenant: None,
        created_at: None,
        event_type: "changed".to_owned(),
        kind: EventKind::Other,
    };
    store.accept_change(&suspended, &Change::Suspended(subject("ou_4").id), None, at(50), at(50)).await.unwrap();
    let page = store.people_to_look_up(&app("cli_a"), at(40), at(100), None, 9).await.unwrap();
    let ids: Vec<&str> = page.grants.iter().map(|grant| grant.facts.id.as_str()).collect();
    assert_eq!(ids, ["g0"], "not who was looked up, whose grant is dead, does not open, or who is suspended");
}

async fn what_the_platform_says_replaces_what_was_known(home: Home) {
    let store = home.open().await;
    let facts = complete(&store, session("s", "ou_1"), "g", "t").await;
    assert_eq!(facts.info_at, Some(at(2)));
    assert!(store.note_user_info(&facts, &identity("Bo"), at(50)).await.unwrap());
    let grant = store.grant_by_id(&facts.id).await.unwrap().unwrap();
    assert_eq!((grant.facts.name.as_deref(), grant.facts.info_at), (Some("Bo"), Some(at(50))));
    assert_eq!(grant.facts.version, facts.version, "the pair is as it was");
    store.close().await;
    let store = home.try_open(home.config(), &format!("{KEY_2},{KEY_1}")).await.unwrap();
    store.take_up_sealing_key().await.unwrap();
    let grants = store.reseal(|_, _| ()).await.unwrap()["grants"];
    assert_eq!((grants.resealed, grants.broken), (3, 0), "two tokens and an address, which open; the number is gone");
}

async fn a_new_consent_is_not_overwritten(home: Home) {
    let store = home.open().await;
    let facts = complete(&store, session("s1", "ou_1"), "g", "one").await;
    complete(&store, session("s2", "ou_1"), "g", "two").await;
    assert!(!store.note_user_info(&facts, &identity("Bo"), at(50)).await.unwrap());
    assert_eq!(store.grant_by_id(&facts.id).await.unwrap().unwrap().facts.name.as_deref(), Some("王小明"));
}
