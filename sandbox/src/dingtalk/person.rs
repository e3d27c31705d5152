//! A person's three names: `userId` inside the company, `unionId` for one developer, `openId` for one app.

use crate::world::State;
use crate::world::people::{Person, PersonId};

/// The name for one developer.
#[must_use]
pub fn union_id(person: &Person) -> &str {
    person.union_id.trim_start_matches("on_")
}

/// Who is meant by a `userId`, or by a `unionId` where `kind` is 2.
#[must_use]
pub fn find(state: &State, id: &str, kind: i64) -> Option<PersonId> {
    let wanted = |person: &Person| if kind == 2 { union_id(person) == id } else { person.user_id == id };
    state.people.find_by(|person| !person.removed && wanted(person))
}

/// Who is meant by any name: the sandbox's own, or one of the platform's.
#[must_use]
pub fn find_any(state: &State, id: &str) -> Option<PersonId> {
    state.people.find(id).or_else(|| find(state, id, 1)).or_else(|| find(state, id, 2))
}
