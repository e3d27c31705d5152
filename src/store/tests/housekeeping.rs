//! What grows old: counted and left, or deleted in batches, and nothing that is young or alive.

use super::*;
use crate::domain::grant::GrantStatus;
use crate::domain::ids::AttemptId;

on_each_database!(counting_deletes_nothing_and_deleting_takes_batches, grants_that_died_long_ago_are_deleted,);

async fn counting_deletes_nothing_and_deleting_takes_batches(home: Home) {
    let store = home.open().await;
    complete(&store, session("s", "ou_1"), "g", "t").await;
    let grant = store.grant(&subject("ou_1")).await.unwrap().unwrap();
    let set_aside = (0..1_100_i64).map(|number| {
        let attempt = AttemptId::parse(&format!("a{number}")).unwrap();
        let (store, grant) = (&store, &grant);
        async move { store.set_aside(&attempt, grant, &answer("aside"), at(number)).await }
    });
    futures_util::future::try_join_all(set_aside).await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.sweep(Old::Pairs, at(1_090), Sweep::Count).await.unwrap(), 1_090);
    }
    let before = store.commits();
    assert_eq!(store.sweep(Old::Pairs, at(1_090), Sweep::Delete).await.unwrap(), 1_090);
    assert!(store.commits() >= before + 3, "500 at a time");
    assert_eq!(store.sweep(Old::Pairs, at(9_999), Sweep::Count).await.unwrap(), 10, "the young ones are left");
}

async fn grants_that_died_long_ago_are_deleted(home: Home) {
    let store = home.open().await;
    for (number, name) in ["alive", "dead", "revived", "young"].into_iter().enumerate() {
        let facts = complete(&store, session(&format!("s{number}"), name), name, "t").await;
        if name != "alive" {
            let died = if name == "young" { at(60) } else { at(10) };
            assert!(store.mark_needs_consent(&facts.id, facts.version, 20_037.into(), died).await.unwrap());
        }
    }
    complete(&store, session("again", "revived"), "revived", "u").await;
    assert_eq!(store.sweep(Old::DeadGrants, at(50), Sweep::Count).await.unwrap(), 1);
    assert_eq!(store.sweep(Old::DeadGrants, at(50), Sweep::Delete).await.unwrap(), 1);
    assert_eq!(store.sweep(Old::DeadGrants, at(50), Sweep::Delete).await.unwrap(), 0);
    let left = store.list_grants(&[app("cli_a")].into(), None, None, None, 9).await.unwrap();
    let left: Vec<(&str, GrantStatus)> = left.iter().map(|facts| (facts.id.as_str(), facts.status)).collect();
    let (active, dead) = (GrantStatus::Active, GrantStatus::NeedsConsent);
    assert_eq!(left, [("alive", active), ("revived", active), ("young", dead)]);
}

/// What it remembers has to go with the rows.
#[tokio::test]
async fn events_of_a_file_are_forgotten_by_the_process_that_takes_them() {
    let home = Home::new();
    let (taker, beside) = (home.open().await, home.open().await);
    for number in 0..5 {
        taker.accept(&app("cli_a"), &event(number), "x", at(number)).await.unwrap();
    }
    assert_eq!(beside.sweep(Old::Events, at(3), Sweep::Count).await.unwrap(), 3);
    assert_eq!(beside.sweep(Old::Events, at(3), Sweep::Delete).await.unwrap(), 0);
    assert_eq!(taker.sweep(Old::Events, at(3), Sweep::Delete).await.unwrap(), 3);
    taker.close().await;
    assert_eq!(beside.sweep(Old::Events, at(4), Sweep::Delete).await.unwrap(), 1, "nobody else takes any now");
}
