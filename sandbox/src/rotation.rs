//! What a refresh token that was used and comes again still does: the app's [`RefreshMode`], the same at every platform.

use serde_json::{Value, json};

use crate::options::RefreshMode;
use crate::world::State;
use crate::world::tokens::{RefreshToken, Spent};

/// How a spent token was spent, if the app's mode has it answered once more. Otherwise it is refused, and what the mode wants
/// killed is dead.
pub fn graceful(state: &mut State, mode: RefreshMode, token: &RefreshToken, now_ms: i64) -> Option<Spent> {
    let grace_ms = match mode {
        RefreshMode::Strict => 0,
        RefreshMode::FamilyRevoke => {
            state.tokens.revoke(|_, _, chain| chain == token.chain);
            0
        }
        RefreshMode::GraceSame { grace_ms } | RefreshMode::GraceNew { grace_ms } => grace_ms,
    };
    let in_time = |spent: &&Spent| now_ms - spent.at_ms < grace_ms;
    let unused = |spent: &&Spent| spent.successor.as_deref().is_some_and(|print| state.tokens.is_unused(print));
    token.spent.as_ref().filter(in_time).filter(unused).cloned()
}

/// The answer of the first time, with what is left of the lives that `fields` state in seconds.
#[must_use]
pub fn same_again(spent: &Spent, fields: &[&str], now_ms: i64) -> Option<Value> {
    let mut answer = spent.answer.clone()?;
    let gone_s = (now_ms - spent.at_ms) / 1000;
    for name in fields {
        let left_s = answer[*name].as_i64()? - gone_s;
        answer[*name] = json!(left_s.max(0));
    }
    Some(answer)
}
