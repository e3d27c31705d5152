//! Who is looking at a page, who could consent instead, and how pages are sent. The same at every platform.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

use crate::pages::{CONTENT_SECURITY_POLICY, Lang, PersonView};
use crate::site::Site;
use crate::world::people::Person;

/// The most people that the account picker offers.
const PICKER: usize = 30;

/// Who looks at a page.
pub struct Viewer {
    /// The person that the chat page last played, or the first one.
    pub person: PersonView,
    /// Who could consent instead.
    pub people: Vec<PersonView>,
    /// The language of the page.
    pub lang: Lang,
}

/// Reads who is looking off the cookies.
pub fn viewer(site: &Site, headers: &HeaderMap) -> Viewer {
    let state = site.world.lock();
    let chosen = cookie(headers, "sandbox_person").and_then(|open_id| state.people.find(&open_id));
    let here = || state.people.iter().filter(|person| !person.removed);
    let person = chosen.map(|id| state.people.get(id)).or_else(|| here().next());
    let mut people: Vec<PersonView> = here().take(PICKER).map(view).collect();
    if let Some(person) = person.filter(|person| people.iter().all(|one| one.open_id != person.open_id)) {
        people.push(view(person));
    }
    let nobody = PersonView { open_id: String::new(), name: String::new(), color: "#888888".to_owned() };
    Viewer { person: person.map_or(nobody, view), people, lang: lang(headers, person) }
}

fn lang(headers: &HeaderMap, person: Option<&Person>) -> Lang {
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Lang::choose(cookie(headers, "sandbox_lang").as_deref(), person.map(|person| person.locale.as_str()), accept)
}

fn view(person: &Person) -> PersonView {
    PersonView { open_id: person.open_id.clone(), name: person.name.clone(), color: person.color.clone() }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    let pairs = all.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
}

/// A page with its content security policy.
pub fn html(text: impl Into<String>) -> Response {
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(text.into())).into_response()
}
