//! `cardkey vault`: what the keys of the ring are used for, and moving everything to the first one, beside a gateway
//! that may be running.

use super::{StartError, output, with_store};
use crate::config::Config;
use crate::domain::ids::ApiKeyId;
use crate::store::{KeyUse, Resealed, Store, TableResealed};
use crate::vault::KeyId;

/// What is to be done with the key ring.
#[derive(Debug, Clone, Copy)]
pub enum Ring {
    /// Seal everything with the first key.
    Rotate,
    /// Say what the keys are used for.
    Status,
}

/// After how many rows of a table its progress is printed.
const REPORT_ROWS: u64 = 500;

impl Ring {
    /// Does it.
    pub async fn run(self, config: &Config) -> Result<(), StartError> {
        with_store(config, false, |store| async move {
            match self {
                Self::Rotate => rotate(&store).await,
                Self::Status => status(&store.key_use().await?),
            }
        })
        .await
    }
}

async fn rotate(store: &Store) -> Result<(), StartError> {
    if !store.sealing_key_is_taken_up().await? {
        let text = "no gateway has been started with this key ring: start it again first, or it cannot open what its \
                    new key seals";
        return Err(StartError::Command(text.to_owned()));
    }
    let mut printed = Ok(());
    let resealed = store
        .reseal(|table, so_far| {
            if so_far.rows.is_multiple_of(REPORT_ROWS) && printed.is_ok() {
                printed = output::print(&progress(table, so_far));
            }
        })
        .await?;
    printed?;
    let used = store.key_use().await?;
    store.forget_unused_keys(&used).await?;
    report(&resealed, &used)
}

fn progress(table: &str, so_far: TableResealed) -> String {
    format!("{table}: {}, {} sealed anew so far", counted(so_far.rows, "row"), counted(so_far.resealed, "value"))
}

fn report(resealed: &Resealed, used: &KeyUse) -> Result<(), StartError> {
    for (table, done) in resealed {
        let TableResealed { rows, resealed, right, .. } = done;
        let left = used.left_in(table);
        let (rows, resealed) = (counted(*rows, "row"), counted(*resealed, "value"));
        output::print(&format!("{table}: {rows}, {resealed} sealed anew, {right} right already, {left} left"))?;
    }
    status(used)?;
    if used.is_settled() {
        return Ok(());
    }
    Err(StartError::Command("older keys are needed still; see above what for, and rotate again".to_owned()))
}

fn status(used: &KeyUse) -> Result<(), StartError> {
    for key in used.keys() {
        output::print(&line(key, used))?;
    }
    if used.malformed > 0 {
        let malformed = counted(used.malformed, "value");
        output::print(&format!("{malformed} of no form that we write: the database is damaged"))?;
    }
    Ok(())
}

/// So many of these.
fn counted(count: u64, one: &str) -> String {
    if count == 1 { format!("{count} {one}") } else { format!("{count} {one}s") }
}

fn line(key: &KeyId, used: &KeyUse) -> String {
    let seals = *key == used.sealing;
    let mut needs: Vec<String> =
        used.sealed_by(key).map(|(table, count)| format!("{} in {table}", counted(count, "value"))).collect();
    let bound: Vec<&str> = used.api_keys_of(key).map(ApiKeyId::as_str).collect();
    match bound.as_slice() {
        [] => {}
        bound if seals => needs.push(counted(bound.len() as u64, "API key")),
        bound => {
            needs.push(format!("API keys that have not been used since ({}): use or revoke them", bound.join(" ")));
        }
    }
    let role = match (seals, used.has(key)) {
        (true, _) => "seals",
        (_, true) => "only opens",
        _ => "is missing in the key ring",
    };
    match needs.as_slice() {
        [] if seals => format!("{key} seals; nothing is sealed yet"),
        [] => format!("{key} is not needed any more: it can be removed from the key ring"),
        needs => format!("{key} {role}: {}", needs.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_as_one() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "value")), ["0 values", "1 value", "2 values"]);
    }
}
