//! Claims, what is due, the journal, the quarantine, budgets and the spool.

use super::inbox::execute;
use super::*;
use crate::domain::grant::{Grant, GrantStatus, GrantVersion};
use crate::domain::ids::AttemptId;
use crate::domain::rate_limit::Reservation;
use crate::domain::refresh::Claim;

const FIRST: GrantVersion = GrantVersion { consent_no: 1, generation: 1 };
const LEASE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_secs(5);

fn attempt(name: &str) -> Attempt {
    let id = AttemptId::parse(name).unwrap();
    Attempt { id, owner: format!("owner of {name}").replace(' ', "-"), grant: grant_id("g1"), generation: 1 }
}

on_each_database!(
    of_many_claims_at_once_one_is_won,
    what_is_due_is_found_and_a_claim_hides_it_until_its_lease_ends,
    an_unused_grant_is_only_kept_alive_until_it_is_used,
    a_dead_grant_is_never_due,
    a_pair_that_was_set_aside_gets_one_chance,
    a_pair_of_an_old_consent_is_never_recalled,
    another_persons_pair_is_set_apart_for_good,
    what_was_set_aside_is_sealed_for_its_place,
    of_many_reservations_at_once_the_bucket_gives_what_it_has,
);

/// On SQLite: leases go by the time that the test says.
async fn granted() -> (Home, Store) {
    granted_on(Home::new()).await
}

async fn granted_on(home: Home) -> (Home, Store) {
    let store = home.open().await;
    complete(&store, session("s1", "ou_1"), "g1", "one").await;
    (home, store)
}

async fn stored_grant(store: &Store) -> Grant {
    store.grant_by_id(&grant_id("g1")).await.unwrap().unwrap()
}

async fn take_over(store: &Store, now: i64) -> Result<u64, StoreError> {
    store.take_over_refreshes("owner-of-a2", &[app("cli_a")], at(now).plus(LEASE), at(now)).await
}

fn won(claimed: Claimed) -> (Grant, u32) {
    let Claimed::Won { grant, tries } = claimed else { panic!("{claimed:?}") };
    (*grant, tries)
}

async fn due_ids(store: &Store, now: i64) -> Vec<String> {
    let due = store.due_grants(&app("cli_a"), at(now), 100).await.unwrap();
    due.iter().map(|due| due.id.to_string()).collect()
}

async fn of_many_claims_at_once_one_is_won(home: Home) {
    let (_home, store) = granted_on(home).await;
    let names: Vec<String> = (0..20).map(|number| format!("a{number}")).collect();
    let claims = names.iter().map(|name| {
        let (store, attempt) = (store.clone(), attempt(name));
        async move { store.claim_refresh(&attempt, LEASE, at(100)).await.unwrap() }
    });
    let claimed = futures_util::future::join_all(claims).await;
    let winners = claimed.iter().filter(|claim| matches!(claim, Claimed::Won { tries: 1, .. })).count();
    let busy = claimed.iter().filter(|claim| matches!(claim, Claimed::Refused(Claim::Busy))).count();
    assert_eq!((winners, busy), (1, 19), "I2");
}

async fn of_many_reservations_at_once_the_bucket_gives_what_it_has(home: Home) {
    let (_home, store) = granted_on(home).await;
    let limit = Limit { burst: 10, interval: Duration::from_hours(1), left: 0 };
    let (mut granted, mut rounds) = (0, 0);
    while granted < 10 && rounds < 100 {
        let reserves = (0..5).map(|_| store.reserve("cli_a", limit, 1, at(100)));
        let got = futures_util::future::join_all(reserves).await;
        granted += got.iter().map(|reserved| reserved.as_ref().unwrap().granted).sum::<u32>();
        rounds += 1;
    }
    assert_eq!(granted, 10, "I17: each slot went to one, in {rounds} rounds");
    assert_eq!(store.reserve("cli_a", limit, 1, at(100)).await.unwrap().granted, 0);
}

#[tokio::test]
async fn of_many_claims_one_is_won_and_the_lease_keeps_the_others_away() {
    let (_home, store) = granted().await;
    let names: Vec<String> = (0..20).map(|number| format!("a{number}")).collect();
    let claims = names.iter().map(|name| {
        let (store, attempt) = (store.clone(), attempt(name));
        async move { store.claim_refresh(&attempt, LEASE, at(100)).await.unwrap() }
    });
    let claimed = futures_util::future::join_all(claims).await;
    let winners = claimed.iter().filter(|claim| matches!(claim, Claimed::Won { tries: 1, .. })).count();
    let busy = claimed.iter().filter(|claim| matches!(claim, Claimed::Refused(Claim::Busy))).count();
    assert_eq!((winners, busy), (1, 19), "I2");
    assert!(matches!(
        store.claim_refresh(&attempt("late"), LEASE, at(189)).await.unwrap(),
        Claimed::Refused(Claim::Busy)
    ));
    let (grant, tries) = won(store.claim_refresh(&attempt("later"), LEASE, at(190)).await.unwrap());
    assert_eq!((grant.facts.version, tries), (FIRST, 2), "the lease is over");
    assert_eq!(grant.refresh.unwrap().expose(), "ur-CANARY-refresh-one");
}

#[tokio::test]
async fn a_claim_is_on_the_disk_with_its_journal_entry() {
    let (home, store) = granted().await;
    won(store.claim_refresh(&attempt("a1"), LEASE, at(100)).await.unwrap());
    store.close().await;
    let store = home.open().await;
    assert!(
        matches!(store.claim_refresh(&attempt("a2"), LEASE, at(101)).await.unwrap(), Claimed::Refused(Claim::Busy)),
        "I3"
    );
    assert_eq!(take_over(&store, 101).await.unwrap(), 1, "C2: its owner is dead");
    assert_eq!(won(store.claim_refresh(&attempt("a2"), LEASE, at(101)).await.unwrap()).1, 2);
    assert_eq!(take_over(&store, 102).await.unwrap(), 0, "not one's own");
    store.end_attempt(&AttemptId::parse("a2").unwrap(), "refreshed", None, at(103)).await.unwrap();
    assert_eq!(store.sweep(Old::Attempts, at(101), Sweep::Delete).await.unwrap(), 1);
    assert_eq!(store.sweep(Old::Attempts, at(104), Sweep::Delete).await.unwrap(), 1);
}

#[tokio::test]
async fn what_cannot_be_claimed_says_why() {
    let (_home, store) = granted().await;
    let gone = Attempt { grant: grant_id("g9"), ..attempt("a1") };
    assert!(matches!(store.claim_refresh(&gone, LEASE, at(9)).await.unwrap(), Claimed::Refused(Claim::Gone)));
    let old = Attempt { generation: 0, ..attempt("a1") };
    assert!(matches!(store.claim_refresh(&old, LEASE, at(9)).await.unwrap(), Claimed::Refused(Claim::Newer)));
    won(store.claim_refresh(&attempt("a1"), LEASE, at(9)).await.unwrap());
    store.release_refresh(&attempt("a1"), true, PAUSE, PAUSE, at(9)).await.unwrap();
    assert!(
        matches!(store.claim_refresh(&attempt("a2"), LEASE, at(13)).await.unwrap(), Claimed::Refused(Claim::Paused)),
        "I19"
    );
    assert_eq!(won(store.claim_refresh(&attempt("a2"), LEASE, at(14)).await.unwrap()).1, 2);
    store.mark_needs_consent(&grant_id("g1"), FIRST, 20037.into(), at(15)).await.unwrap();
    assert!(matches!(
        store.claim_refresh(&attempt("a3"), LEASE, at(500)).await.unwrap(),
        Claimed::Refused(Claim::Dead)
    ));
}

#[tokio::test]
async fn only_the_owner_of_a_claim_gives_it_back() {
    let (_home, store) = granted().await;
    won(store.claim_refresh(&attempt("a1"), LEASE, at(0)).await.unwrap());
    won(store.claim_refresh(&attempt("a2"), LEASE, at(90)).await.unwrap());
    store.release_refresh(&attempt("a1"), false, Duration::ZERO, PAUSE, at(91)).await.unwrap();
    assert!(
        matches!(store.claim_refresh(&attempt("a3"), LEASE, at(92)).await.unwrap(), Claimed::Refused(Claim::Busy)),
        "I10"
    );
}

#[tokio::test]
async fn a_late_answer_is_saved_though_the_lease_was_taken_over() {
    let (_home, store) = granted().await;
    let (grant, _) = won(store.claim_refresh(&attempt("a1"), LEASE, at(0)).await.unwrap());
    won(store.claim_refresh(&attempt("a2"), LEASE, at(90)).await.unwrap());
    let saved = store.save_refreshed(&grant.facts.id, grant.facts.version, &answer("two"), at(95)).await.unwrap();
    assert!(matches!(saved, Save::Stored(_)), "C12: the platform lets one win");
    assert!(matches!(
        store.claim_refresh(&attempt("a3"), LEASE, at(96)).await.unwrap(),
        Claimed::Refused(Claim::Newer)
    ));
    assert_eq!(stored_grant(&store).await.facts.version.generation, 2, "I5");
    let marked = store.mark_needs_consent(&grant_id("g1"), FIRST, 20073.into(), at(97)).await.unwrap();
    assert!(!marked, "I11: the denial was of the pair before");
}

async fn what_is_due_is_found_and_a_claim_hides_it_until_its_lease_ends(home: Home) {
    let (_home, store) = granted_on(home).await;
    assert_eq!(due_ids(&store, 5_000).await, [""; 0]);
    assert_eq!(due_ids(&store, 5_763).await, ["g1"], "used when it was granted: four fifths of two hours");
    won(store.claim_refresh(&attempt("a1"), LEASE, at(5_763)).await.unwrap());
    assert_eq!(due_ids(&store, 5_800).await, [""; 0]);
    assert_eq!(due_ids(&store, 5_853).await, ["g1"]);
    store.save_refreshed(&grant_id("g1"), FIRST, &answer("two"), at(5_860)).await.unwrap();
    assert_eq!(due_ids(&store, 5_860 + 5_760).await, ["g1"], "its pair before was used");
}

async fn an_unused_grant_is_only_kept_alive_until_it_is_used(home: Home) {
    let (_home, store) = granted_on(home).await;
    let id = grant_id("g1");
    store.save_refreshed(&id, FIRST, &answer("two"), at(5_760)).await.unwrap();
    let second = GrantVersion { consent_no: 1, generation: 2 };
    // Nobody took the second pair: the third is far off.
    store.save_refreshed(&id, second, &answer("three"), at(10_000)).await.unwrap();
    assert_eq!(due_ids(&store, 10_000 + 7_200).await, [""; 0]);
    assert_eq!(due_ids(&store, 10_000 + 6 * 24 * 3_600).await, ["g1"], "I30");
    store.note_used(&stored_grant(&store).await, at(11_000)).await.unwrap();
    assert_eq!(due_ids(&store, 10_000 + 5_760).await, ["g1"]);
    assert!(stored_grant(&store).await.facts.is_used());
}

async fn a_dead_grant_is_never_due(home: Home) {
    let (_home, store) = granted_on(home).await;
    store.mark_needs_consent(&grant_id("g1"), FIRST, 20037.into(), at(3)).await.unwrap();
    assert_eq!(due_ids(&store, i64::MAX / 1_000_000).await, [""; 0]);
    complete(&store, session("s2", "ou_1"), "g2", "two").await;
    assert_eq!(due_ids(&store, 9_000).await, ["g1"], "after the new consent it is");
}

async fn a_pair_that_was_set_aside_gets_one_chance(home: Home) {
    let (_home, store) = granted_on(home).await;
    let (grant, _) = won(store.claim_refresh(&attempt("a1"), LEASE, at(0)).await.unwrap());
    assert!(!store.recall(&grant, at(1)).await.unwrap(), "nothing is there");
    store.set_aside(&AttemptId::parse("a1").unwrap(), &grant, &answer("aside"), at(1)).await.unwrap();
    assert!(store.recall(&grant, at(2)).await.unwrap());
    let restored = stored_grant(&store).await;
    assert_eq!((restored.access.expose(), restored.facts.version.generation), ("u-CANARY-access-aside", 2));
    assert_eq!(restored.refresh.as_ref().unwrap().expose(), "ur-CANARY-refresh-aside");
    assert_eq!(restored.facts.status, GrantStatus::Active);
    assert!(!store.recall(&restored, at(3)).await.unwrap(), "it was taken out");
}

async fn a_pair_of_an_old_consent_is_never_recalled(home: Home) {
    let (_home, store) = granted_on(home).await;
    let (grant, _) = won(store.claim_refresh(&attempt("a1"), LEASE, at(0)).await.unwrap());
    store.set_aside(&AttemptId::parse("a1").unwrap(), &grant, &answer("old"), at(1)).await.unwrap();
    complete(&store, session("s2", "ou_1"), "g2", "two").await;
    assert!(!store.recall(&stored_grant(&store).await, at(2)).await.unwrap(), "I12");
    assert!(!store.recall(&grant, at(2)).await.unwrap(), "I12: its row moved on");
    assert_eq!(stored_grant(&store).await.access.expose(), "u-CANARY-access-two");
}

async fn what_was_set_aside_is_sealed_for_its_place(home: Home) {
    let (_home, store) = granted_on(home).await;
    let (grant, _) = won(store.claim_refresh(&attempt("a1"), LEASE, at(0)).await.unwrap());
    store.set_aside(&AttemptId::parse("a1").unwrap(), &grant, &answer("aside"), at(1)).await.unwrap();
    execute(&store, "UPDATE quarantined_pairs SET access_sealed = refresh_sealed").await;
    let error = store.recall(&grant, at(2)).await.unwrap_err();
    let corrupt = StoreError::Corrupt { table: "quarantined_pairs", column: "access_sealed", id: "a1".to_owned() };
    assert_eq!(error, corrupt, "E2");
    assert_eq!(stored_grant(&store).await.access.expose(), "u-CANARY-access-one", "and changes nothing");
}

#[tokio::test]
async fn a_budget_is_shared_and_closed_for_everybody() {
    let (_home, store) = granted().await;
    let limit = Limit { burst: 10, interval: Duration::from_secs(1), left: 0 };
    let reserves = (0..20).map(|_| store.reserve("cli_a", limit, 1, at(100)));
    let got = futures_util::future::join_all(reserves).await;
    assert_eq!(got.iter().map(|reserved| reserved.as_ref().unwrap().granted).sum::<u32>(), 10, "I17");
    let none = store.reserve("cli_a", limit, 3, at(100)).await.unwrap();
    assert_eq!(none, Reservation { granted: 0, wait: Duration::from_secs(1) });
    assert_eq!(store.reserve("cli_a", limit, 3, at(102)).await.unwrap().granted, 2);
    assert_eq!(store.reserve("cli_b", limit, 3, at(102)).await.unwrap().granted, 3, "another app's is another");
    store.close_budget("cli_a", Duration::from_secs(90), at(110)).await.unwrap();
    store.close_budget("cli_a", Duration::from_secs(39), at(111)).await.unwrap();
    let closed = store.reserve("cli_a", limit, 1, at(160)).await.unwrap();
    assert_eq!(closed, Reservation { granted: 0, wait: Duration::from_secs(40) }, "I18");
    assert_eq!(store.reserve("cli_a", limit, 1, at(200)).await.unwrap().granted, 1);
}

#[tokio::test]
async fn a_clock_that_was_set_back_costs_a_budget_one_interval() {
    let (_home, store) = granted().await;
    let limit = Limit { burst: 3, interval: Duration::from_secs(1), left: 0 };
    assert_eq!(store.reserve("cli_a", limit, 1, at(4_000)).await.unwrap().granted, 1);
    let none = store.reserve("cli_a", limit, 1, at(400)).await.unwrap();
    assert_eq!(none, Reservation { granted: 0, wait: Duration::from_secs(1) });
    assert_eq!(store.reserve("cli_a", limit, 1, at(401)).await.unwrap().granted, 1, "chaos 45");
}

#[tokio::test]
async fn the_spool_keeps_a_pair_until_it_is_taken_out() {
    let (home, store) = granted().await;
    let folder = home.file("-spool");
    assert!(store.spooled(&folder).unwrap().0.is_empty(), "no folder, no pair");
    let pair = Spooled {
        attempt: AttemptId::parse("a1").unwrap(),
        grant: grant_id("g1"),
        app: Some(app("cli_a")),
        version: FIRST,
        answer: answer("spooled"),
        obtained_at: at(7),
    };
    store.spool(&folder, &pair).unwrap();
    store.spool(&folder, &pair).unwrap();
    let (read, unreadable) = store.spooled(&folder).unwrap();
    assert_eq!((read.len(), unreadable), (1, 0));
    assert_eq!(read[0].app, Some(app("cli_a")));
    assert_eq!(read[0].answer.access.expose(), "u-CANARY-access-spooled");
    assert_eq!(read[0].answer.refresh.as_ref().unwrap().token.expose(), "ur-CANARY-refresh-spooled");
    assert_eq!(
        (read[0].version, read[0].obtained_at, read[0].answer.access_ttl),
        (FIRST, at(7), pair.answer.access_ttl)
    );
    let bytes = std::fs::read(folder.join("a1.pair")).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"CANARY"), "E10: it is sealed");
    std::fs::copy(folder.join("a1.pair"), folder.join("a2.pair")).unwrap();
    let (read, unreadable) = store.spooled(&folder).unwrap();
    assert_eq!((read.len(), unreadable), (1, 1), "E1: another attempt's file does not open");
    store.unspool(&folder, &pair.attempt).unwrap();
    store.unspool(&folder, &pair.attempt).unwrap();
    assert!(store.spooled(&folder).unwrap().0.is_empty());
}

async fn another_persons_pair_is_set_apart_for_good(home: Home) {
    let (_home, store) = granted_on(home).await;
    let first = stored_grant(&store).await;
    let whose = SubjectId::parse("ou_2").unwrap();
    let attempt = |name| AttemptId::parse(name).unwrap();
    assert!(!store.set_apart(&attempt("a0"), &first, &whose, at(9)).await.unwrap(), "consented pairs are known");
    stored(store.save_refreshed(&grant_id("g1"), first.facts.version, &answer("two"), at(10)).await.unwrap());
    let second = stored_grant(&store).await;
    assert!(second.facts.is_unidentified(at(-1_000_000)), "whatever the clock says");
    let due = async |now| store.identities_due(&[app("cli_a"), app("cli_b")], at(now), 10).await.unwrap().len();
    assert_eq!((due(10).await, store.identities_due(&[app("cli_b")], at(10), 10).await.unwrap().len()), (1, 0));

    store.note_identity(&first.facts, None).await.unwrap();
    assert_eq!(due(10).await, 1, "what is said of an older pair says nothing of this one");
    store.note_identity(&second.facts, Some(at(70))).await.unwrap();
    assert_eq!((due(69).await, due(70).await), (0, 1));

    let apart = futures_util::future::join_all(["a1", "a2", "a3"].map(|name| {
        let (store, second, whose, attempt) = (store.clone(), second.clone(), whose.clone(), attempt(name));
        async move { store.set_apart(&attempt, &second, &whose, at(20)).await.unwrap() }
    }));
    assert_eq!(apart.await.into_iter().filter(|done| *done).count(), 1, "by one of many replicas");
    let emptied = stored_grant(&store).await;
    assert_eq!((emptied.facts.status, emptied.facts.refreshable), (GrantStatus::NeedsConsent, false));
    assert!(
        emptied.access.matches("") && emptied.refresh.is_none() && !emptied.facts.lives_for(at(20), Duration::ZERO)
    );
    assert!(!store.recall(&emptied, at(21)).await.unwrap(), "nothing brings it back");
    let save = store.save_refreshed(&grant_id("g1"), emptied.facts.version, &answer("three"), at(22)).await.unwrap();
    assert!(matches!(save, Save::Lost), "nor does a pair that comes late heal it");
    assert_eq!(due(100).await, 0);
}
