//! The events that say what became of a person's tokens, of a person, or of the app itself.
//!
//! Read from the body alone. A body that cannot be read, or names nobody, says nothing: its event is recorded like any
//! other that we have no use for. Of a person only the id and three flags are read; names and numbers are left alone.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::event::{Change, RevokedBy};
use crate::domain::ids::SubjectId;

const TOKEN_REVOKED: &str = "auth.user_access_token.revoked_v4";
const PERSON_DELETED: &str = "contact.user.deleted_v3";
const PERSON_UPDATED: &str = "contact.user.updated_v3";
/// In the older envelope.
const APP_STATUS: &str = "app_status_change";

/// What an event of this type says.
pub(super) fn read(event_type: &str, body: Option<&RawValue>) -> Option<Change> {
    let read: fn(&str) -> Option<Change> = match event_type {
        TOKEN_REVOKED => revoked,
        PERSON_DELETED => deleted,
        PERSON_UPDATED => updated,
        APP_STATUS => app_status,
        _ => return None,
    };
    read(body?.get())
}

#[derive(Deserialize)]
struct Revoked {
    open_id: String,
    /// Names of token types between blanks.
    revoke_token_type: Option<String>,
    revoke_reason: Option<String>,
}

fn revoked(body: &str) -> Option<Change> {
    let revoked: Revoked = serde_json::from_str(body).ok()?;
    let types = revoked.revoke_token_type.unwrap_or_default();
    let names = |name: &str| types.split_ascii_whitespace().any(|word| word == name);
    let refresh = names("refresh_token");
    Some(Change::Revoked {
        subject: SubjectId::parse(&revoked.open_id).ok()?,
        // If no type is named that we know, the next refresh finds out what is left.
        access: names("user_access_token") || !refresh,
        refresh,
        by: revoked_by(revoked.revoke_reason.as_deref().unwrap_or_default()),
    })
}

/// The reason is a sentence: `Revoked by ….`
fn revoked_by(reason: &str) -> RevokedBy {
    match reason.trim_start_matches("Revoked by ").trim_end_matches('.') {
        "user" => RevokedBy::Person,
        "administrator" => RevokedBy::Administrator,
        "security and risk control" => RevokedBy::RiskControl,
        "restriction action" => RevokedBy::Restriction,
        _ => RevokedBy::Unknown,
    }
}

#[derive(Deserialize)]
struct AboutPerson {
    object: Person,
}

#[derive(Deserialize)]
struct Person {
    open_id: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(rename = "is_frozen")]
    frozen: Option<bool>,
    #[serde(rename = "is_resigned")]
    resigned: Option<bool>,
    #[serde(rename = "is_exited")]
    exited: Option<bool>,
}

fn person(body: &str) -> Option<(SubjectId, Option<Status>)> {
    let AboutPerson { object } = serde_json::from_str(body).ok()?;
    Some((SubjectId::parse(&object.open_id).ok()?, object.status))
}

fn deleted(body: &str) -> Option<Change> {
    Some(Change::Left(person(body)?.0))
}

/// An update without a status says nothing of it.
fn updated(body: &str) -> Option<Change> {
    let (subject, status) = person(body)?;
    let status = status?;
    let away = [status.frozen, status.resigned, status.exited].contains(&Some(true));
    Some(if away { Change::Suspended(subject) } else { Change::Resumed(subject) })
}

#[derive(Deserialize)]
struct AppStatus {
    status: String,
}

fn app_status(body: &str) -> Option<Change> {
    let app: AppStatus = serde_json::from_str(body).ok()?;
    match app.status.as_str() {
        "stop_by_tenant" | "stop_by_platform" => Some(Change::AppStopped),
        "start_by_tenant" => Some(Change::AppStarted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(event_type: &str, body: &str) -> Option<Change> {
        let body = RawValue::from_string(body.to_owned()).unwrap();
        read(event_type, Some(&body))
    }

    fn person() -> SubjectId {
        SubjectId::parse("ou_1").unwrap()
    }

    #[test]
    fn reads_which_tokens_were_revoked_and_by_whom() {
        for (types, access, refresh) in [
            (r#""user_access_token""#, true, false),
            (r#""refresh_token""#, false, true),
            (r#""user_access_token refresh_token""#, true, true),
            (r#""something new""#, true, false),
            ("null", true, false),
        ] {
            for (reason, by) in [
                (r#""Revoked by user.""#, RevokedBy::Person),
                (r#""Revoked by administrator.""#, RevokedBy::Administrator),
                (r#""Revoked by security and risk control.""#, RevokedBy::RiskControl),
                (r#""Revoked by restriction action.""#, RevokedBy::Restriction),
                (r#""Revoked by unknown.""#, RevokedBy::Unknown),
                ("null", RevokedBy::Unknown),
            ] {
                let body = format!(
                    r#"{{"open_id":"ou_1","union_id":"on_1","revoke_token_type":{types},"revoke_reason":{reason}}}"#
                );
                let wanted = Change::Revoked { subject: person(), access, refresh, by };
                assert_eq!(said(TOKEN_REVOKED, &body), Some(wanted), "{body}");
            }
        }
    }

    #[test]
    fn reads_what_became_of_a_person() {
        let deleted = r#"{"object":{"open_id":"ou_1","name":"Alice"},"old_object":{"open_id":"ou_1"}}"#;
        assert_eq!(said(PERSON_DELETED, deleted), Some(Change::Left(person())));
        let updated = |status: &str| said(PERSON_UPDATED, &format!(r#"{{"object":{{"open_id":"ou_1"{status}}}}}"#));
        for flag in ["is_frozen", "is_resigned", "is_exited"] {
            let status = format!(r#","status":{{"is_activated":true,"{flag}":true}}"#);
            assert_eq!(updated(&status), Some(Change::Suspended(person())), "{flag}");
        }
        let back = r#","status":{"is_frozen":false,"is_resigned":false,"is_activated":true}"#;
        assert_eq!(updated(back), Some(Change::Resumed(person())));
        assert_eq!(updated(r#","name":"Alicia""#), None, "no word of a status");
    }

    #[test]
    fn reads_what_became_of_the_app() {
        let status = |word: &str| said(APP_STATUS, &format!(r#"{{"type":"app_status_change","status":"{word}"}}"#));
        assert_eq!(status("stop_by_tenant"), Some(Change::AppStopped));
        assert_eq!(status("stop_by_platform"), Some(Change::AppStopped));
        assert_eq!(status("start_by_tenant"), Some(Change::AppStarted));
        assert_eq!(status("paused"), None);
    }

    #[test]
    fn what_names_nobody_says_nothing() {
        for (event_type, body) in [
            (TOKEN_REVOKED, "{}"),
            (TOKEN_REVOKED, r#"{"open_id":"ou 1"}"#),
            (TOKEN_REVOKED, r#"{"open_id":7}"#),
            (TOKEN_REVOKED, "[]"),
            (PERSON_DELETED, r#"{"open_id":"ou_1"}"#),
            (PERSON_DELETED, r#"{"object":{"open_id":""}}"#),
            (PERSON_UPDATED, r#"{"object":{"open_id":"ou_1","status":{"is_frozen":"yes"}}}"#),
            (APP_STATUS, r#"{"status":1}"#),
            ("contact.user.created_v3", r#"{"object":{"open_id":"ou_1"}}"#),
        ] {
            assert_eq!(said(event_type, body), None, "{event_type} {body}");
        }
        assert_eq!(read(TOKEN_REVOKED, None), None);
    }
}
