//! One run of a job, whoever wants it: claims, leases, what is kept of a run.

use super::*;
use crate::domain::job::Schedule;

on_each_database!(
    of_many_that_look_one_runs_what_is_due,
    a_run_ends_once_and_says_what_it_did,
    a_run_whose_process_died_is_taken_over_after_the_lease,
    a_run_that_is_kept_is_nobody_elses,
    a_missed_time_is_one_run,
    another_schedule_counts_from_now,
);

const LEASE: Duration = Duration::from_mins(1);
const HOURLY: Schedule = Schedule::Every(Duration::from_hours(1));

async fn known(home: &Home) -> Store {
    let store = home.open().await;
    store.add_job("cleanup", &HOURLY, at(0)).await.unwrap();
    store
}

async fn claim(store: &Store, owner: &str, now: Timestamp) -> ClaimedJob {
    store.claim_job("cleanup", owner, LEASE, false, now).await.unwrap()
}

async fn won(store: &Store, owner: &str, now: Timestamp) -> JobClaim {
    match claim(store, owner, now).await {
        ClaimedJob::Won(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// Ends the leases, on whichever clock they are.
async fn lapse(store: &Store) {
    inbox::execute(store, "UPDATE jobs SET lease_until = 1").await;
}

async fn of_many_that_look_one_runs_what_is_due(home: Home) {
    let (one, other) = (known(&home).await, home.open().await);
    let claims = (0..20).map(|number| {
        let store = if number % 2 == 0 { &one } else { &other };
        async move { claim(store, &format!("p{number}"), at(0)).await }
    });
    let claims = futures_util::future::join_all(claims).await;
    assert_eq!(claims.iter().filter(|claim| matches!(claim, ClaimedJob::Won(_))).count(), 1, "{claims:?}");
    assert!(claims.iter().all(|claim| !matches!(claim, ClaimedJob::NotDue)));
}

async fn a_run_ends_once_and_says_what_it_did(home: Home) {
    let store = known(&home).await;
    let run = won(&store, "p", at(0)).await;
    assert!(store.end_job(&run, &Ok(vec![("events", 7)]), at(3600), at(2)).await.unwrap());
    assert!(!store.end_job(&run, &Err("late".to_owned()), at(0), at(3)).await.unwrap());
    assert!(matches!(claim(&store, "p", at(3599)).await, ClaimedJob::NotDue));
    let job = store.jobs().await.unwrap().remove(0);
    assert_eq!((job.counts["events"], job.error, job.owner), (7, None, None));
    assert_eq!((job.successes, job.failures, job.abandoned), (1, 0, 0));
    assert_eq!((job.started_at, job.succeeded_at), (Some(at(0)), Some(at(2))));

    let run = won(&store, "p", at(3600)).await;
    assert!(store.end_job(&run, &Err("away".to_owned()), at(3900), at(3601)).await.unwrap());
    let job = store.jobs().await.unwrap().remove(0);
    assert_eq!((job.error.as_deref(), job.failures, job.due_at), (Some("away"), 1, at(3900)));
    assert_eq!((job.succeeded_at, job.counts["events"]), (Some(at(2)), 7), "of the last success");
}

async fn a_run_whose_process_died_is_taken_over_after_the_lease(home: Home) {
    let store = known(&home).await;
    let dead = won(&store, "dead", at(0)).await;
    assert!(matches!(claim(&store, "p", at(1)).await, ClaimedJob::Busy));
    lapse(&store).await;
    let run = won(&store, "p", at(61)).await;
    assert!(run.taken_over && !dead.taken_over);
    assert!(!store.keep_job(&dead, LEASE, at(62)).await.unwrap(), "it is another's by now");
    assert!(!store.end_job(&dead, &Ok(vec![]), at(9999), at(62)).await.unwrap());
    store.give_job_back(&dead).await.unwrap();
    assert!(store.end_job(&run, &Ok(vec![]), at(3661), at(62)).await.unwrap());
    assert_eq!(store.jobs().await.unwrap()[0].abandoned, 1);
}

async fn a_run_that_is_kept_is_nobody_elses(home: Home) {
    let store = known(&home).await;
    let run = won(&store, "p", at(0)).await;
    lapse(&store).await;
    assert!(store.keep_job(&run, LEASE, at(30)).await.unwrap());
    assert!(matches!(claim(&store, "other", at(31)).await, ClaimedJob::Busy));
    store.give_job_back(&run).await.unwrap();
    assert!(!won(&store, "other", at(31)).await.taken_over, "it was given back and is due as it was");
}

async fn a_missed_time_is_one_run(home: Home) {
    let store = known(&home).await;
    let late = at(10 * 3600);
    let run = won(&store, "p", late).await;
    store.end_job(&run, &Ok(vec![]), HOURLY.next(late), late).await.unwrap();
    assert!(matches!(claim(&store, "p", at(10 * 3600 + 3599)).await, ClaimedJob::NotDue));
    let at_once = store.claim_job("cleanup", "p", LEASE, true, late).await.unwrap();
    assert!(matches!(at_once, ClaimedJob::Won(_)), "but whoever says so runs it");
    let unknown = store.claim_job("unknown", "p", LEASE, true, late).await.unwrap();
    assert!(matches!(unknown, ClaimedJob::NotDue));
}

async fn another_schedule_counts_from_now(home: Home) {
    let store = known(&home).await;
    store.add_job("cleanup", &Schedule::OnDemand, at(1)).await.unwrap();
    store.reschedule_job("cleanup", &HOURLY, at(1)).await.unwrap();
    assert_eq!(store.jobs().await.unwrap()[0].due_at, at(0), "the same schedule changes nothing");
    store.reschedule_job("cleanup", &Schedule::OnDemand, at(1)).await.unwrap();
    assert!(matches!(claim(&store, "p", at(99_999)).await, ClaimedJob::NotDue));
    store.reschedule_job("cleanup", &HOURLY, at(5)).await.unwrap();
    assert_eq!(store.jobs().await.unwrap()[0].due_at, at(3605));
}
