//! `GET /open-apis/authen/v1/user_info`: whose token this is.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::bearer::{self, Caller};
use super::errors::{Refusal, success};
use super::{Feishu, oauth};
use crate::world::people::Person;

/// Tells the person's names and ids; number, address and company id only with their scopes.
pub async fn user_info(State(feishu): State<Arc<Feishu>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let state = feishu.world.lock();
    let caller = bearer::user(&feishu, &state, &headers).map_err(own_code)?;
    let person = state.people.get(caller.person);
    check(person)?;
    Ok(success(&described(person, &caller)))
}

/// This interface has a code of its own for a token that is not good any more.
fn own_code(refusal: Refusal) -> Refusal {
    match refusal.code() {
        99_991_668 | 99_991_677 | 99_991_671 => Refusal::bad(20005, "the user access token is invalid"),
        _ => refusal,
    }
}

fn check(person: &Person) -> Result<(), Refusal> {
    if person.removed {
        return Err(oauth::Problem::NoSuchUser.refusal());
    }
    let refusals = [
        (person.resigned || person.exited, 20021, "the user has resigned"),
        (person.frozen, 20022, "the user is frozen"),
        (person.unregistered, 20023, "the user is not registered"),
    ];
    match refusals.iter().find(|(is, ..)| *is) {
        Some((_, code, msg)) => Err(Refusal::bad(*code, msg)),
        None => Ok(()),
    }
}

fn described(person: &Person, caller: &Caller) -> Value {
    let avatar = format!("https://sandbox.invalid/avatar/{}.png", person.user_id);
    let mut data = json!({
        "name": person.name,
        "en_name": person.name,
        "avatar_url": avatar,
        "avatar_thumb": avatar,
        "avatar_middle": avatar,
        "avatar_big": avatar,
        "open_id": person.open_id_for(&caller.app_id),
        "union_id": person.union_id,
        "tenant_key": person.tenant_key,
    });
    let extras = [
        ("contact:user.phone:readonly", "mobile", &person.mobile),
        ("contact:user.email:readonly", "email", &person.email),
        ("contact:user.employee_id:readonly", "user_id", &person.user_id),
    ];
    for (scope, name, value) in extras {
        if caller.scopes.iter().any(|held| held == scope) {
            data[name] = json!(value);
        }
    }
    data
}
