//! A handful of aPaaS interfaces that demand a live *user* token: what an injecting proxy is tried against.
//!
//! The scopes are this sandbox's choice: `apaas:app:read` for the list of apps, `apaas:workspace:read` to read tables,
//! `apaas:workspace:write` to write records and to run SQL. Every record says who wrote it, so a test can see whose token
//! arrived. SQL knows one sentence, `select * from <table>`; `select`, `filter` and `order` of the record list are refused.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::bearer::{self, Caller};
use super::errors::{Refusal, success};
use super::{Feishu, not_found};
use crate::random;

const READ: &[&str] = &["apaas:workspace:read", "apaas:workspace:write"];
const WRITE: &[&str] = &["apaas:workspace:write"];
const APPS: &[&str] = &["apaas:app:read"];
/// Records per page: the usual number and the most.
const PAGE: (usize, usize) = (20, 500);

/// The rows of all workspaces, by workspace and table.
#[derive(Default)]
pub struct Tables(Mutex<BTreeMap<(String, String), Vec<Value>>>);

impl Tables {
    fn rows(&self, workspace: &str, table: &str) -> Vec<Value> {
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.get(&(workspace.to_owned(), table.to_owned())).cloned().unwrap_or_default()
    }

    fn names(&self, workspace: &str) -> Vec<String> {
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.keys().filter(|(of, _)| of == workspace).map(|(_, table)| table.clone()).collect()
    }

    fn append(&self, workspace: &str, table: &str, rows: Vec<Value>) {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.entry((workspace.to_owned(), table.to_owned())).or_default().extend(rows);
    }
}

/// The interfaces.
pub fn router() -> Router<Arc<Feishu>> {
    let workspace = "/open-apis/apaas/v1/workspaces/{workspace}";
    Router::new()
        .route("/open-apis/apaas/v1/apps", get(apps))
        .route(&format!("{workspace}/tables"), get(tables))
        .route(&format!("{workspace}/tables/{{table}}/records"), get(records).post(insert))
        .route(&format!("{workspace}/sql_commands"), post(sql))
        .fallback(not_found)
}

fn caller(feishu: &Feishu, headers: &HeaderMap, any: &[&str]) -> Result<Caller, Refusal> {
    let state = feishu.world.lock();
    let caller = bearer::user(feishu, &state, headers)?;
    if !state.people.get(caller.person).reachable() {
        return Err(Refusal::bad(99_991_668, "invalid access token for authorization"));
    }
    let app = state.apps.get(&caller.app_id);
    if !app.is_some_and(|app| any.iter().any(|scope| app.may_ask(scope))) {
        return Err(app_lacks(any));
    }
    caller.needs(any)?;
    Ok(caller)
}

fn app_lacks(any: &[&str]) -> Refusal {
    let violations: Vec<_> =
        any.iter().map(|scope| json!({"type": "action_scope_required", "subject": scope})).collect();
    let body = json!({
        "code": 99_991_672,
        "msg": format!("the app has none of the scopes needed: [{}]", any.join(", ")),
        "error": {"permission_violations": violations},
    });
    Refusal::body(axum::http::StatusCode::BAD_REQUEST, body)
}

async fn apps(State(feishu): State<Arc<Feishu>>, headers: HeaderMap) -> Result<Response, Refusal> {
    caller(&feishu, &headers, APPS)?;
    let items = json!([{"app_id": "app_sandbox", "name": "Sandbox aPaaS app"}]);
    Ok(success(&json!({"items": items, "page_token": "", "has_more": false})))
}

async fn tables(
    State(feishu): State<Arc<Feishu>>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    caller(&feishu, &headers, READ)?;
    let items: Vec<_> = feishu.tables.names(&workspace).into_iter().map(|name| json!({"name": name})).collect();
    Ok(success(&json!({"items": items, "page_token": "", "has_more": false})))
}

async fn records(
    State(feishu): State<Arc<Feishu>>,
    Path((workspace, table)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    caller(&feishu, &headers, READ)?;
    if ["select", "filter", "order"].iter().any(|name| query.contains_key(*name)) {
        return Err(invalid("select, filter and order are not simulated"));
    }
    let rows = feishu.tables.rows(&workspace, &table);
    let number = |name: &str, usual| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let from: usize = number("page_token", 0).min(rows.len());
    let to = from.saturating_add(number("page_size", PAGE.0).min(PAGE.1)).min(rows.len());
    let page = Value::from(rows[from..to].to_vec());
    let more = to < rows.len();
    let next = if more { to.to_string() } else { String::new() };
    Ok(success(&json!({"items": page.to_string(), "total": rows.len(), "has_more": more, "page_token": next})))
}

async fn insert(
    State(feishu): State<Arc<Feishu>>,
    Path((workspace, table)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let caller = caller(&feishu, &headers, WRITE)?;
    let body: Value = serde_json::from_slice(&body).map_err(|_| invalid("the body is not JSON"))?;
    let text = body["records"].as_str().ok_or_else(|| invalid("records must be a JSON string"))?;
    let parsed: Value = serde_json::from_str(text).map_err(|_| invalid("records is not JSON"))?;
    let mut rows = parsed.as_array().cloned().ok_or_else(|| invalid("records is not a list"))?;
    let author = feishu.world.lock().people.get(caller.person).open_id_for(&caller.app_id);
    let mut ids = Vec::new();
    for row in &mut rows {
        let fields = row.as_object_mut().ok_or_else(|| invalid("a record is not an object"))?;
        let id = random::hex(16);
        fields.insert("_id".to_owned(), json!(id));
        fields.insert("_created_by".to_owned(), json!(author));
        ids.push(id);
    }
    feishu.tables.append(&workspace, &table, rows);
    Ok(success(&json!({"record_ids": ids})))
}

async fn sql(
    State(feishu): State<Arc<Feishu>>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    caller(&feishu, &headers, WRITE)?;
    let body: Value = serde_json::from_slice(&body).map_err(|_| invalid("the body is not JSON"))?;
    let sql = body["sql"].as_str().ok_or_else(|| invalid("sql must be a string"))?.to_ascii_lowercase();
    let words: Vec<&str> = sql.trim_end_matches(';').split_whitespace().collect();
    let ["select", "*", "from", table] = words[..] else {
        return Err(invalid("only `select * from <table>` is simulated"));
    };
    let rows = Value::from(feishu.tables.rows(&workspace, table));
    Ok(success(&json!({"result": rows.to_string()})))
}

fn invalid(text: &str) -> Refusal {
    Refusal::bad(99_992_402, &format!("field validation failed: {text}"))
}
