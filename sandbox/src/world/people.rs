//! The people. Each has one id per app (`open_id`), as at the real platform: one app's id means nothing to another.

use std::collections::HashMap;

use super::apps::set;
use crate::options::{DEFAULT_APP_ID, PersonSpec};
use crate::random;

const COLORS: [&str; 6] = ["#3b6ef5", "#0e9f6e", "#c2410c", "#7c3aed", "#be185d", "#0f766e"];

/// A person's place in the list of people: the sandbox's own name for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(usize);

/// One person.
#[expect(clippy::struct_excessive_bools, reason = "switches of the platform, in any combination")]
#[derive(Clone, Debug)]
pub struct Person {
    /// The id as the default app sees the person. The chat page and the control API use it.
    pub open_id: String,
    /// The same for every app of one developer.
    pub union_id: String,
    /// The id inside the company, told only with a scope.
    pub user_id: String,
    /// The name people read.
    pub name: String,
    /// `zh` or `en`.
    pub locale: String,
    /// Colour of the avatar.
    pub color: String,
    /// The tenant the person belongs to.
    pub tenant_key: String,
    /// Mobile number, told only with a scope.
    pub mobile: String,
    /// E-mail address, told only with a scope.
    pub email: String,
    /// May use the apps.
    pub available: bool,
    /// Left the company.
    pub resigned: bool,
    /// Account frozen.
    pub frozen: bool,
    /// Left the company of their own accord.
    pub exited: bool,
    /// Never registered.
    pub unregistered: bool,
    /// Does not exist any more.
    pub removed: bool,
}

impl Person {
    fn new(open_id: String, number: usize, tenant_key: &str) -> Self {
        Self {
            union_id: format!("on_{}", random::fixed_hex(&format!("union {open_id}"))),
            user_id: random::fixed_hex(&format!("user {open_id}"))[..8].to_owned(),
            name: format!("Person {number}"),
            locale: "en".to_owned(),
            color: COLORS[number % COLORS.len()].to_owned(),
            tenant_key: tenant_key.to_owned(),
            mobile: format!("+861380000{number:04}"),
            email: format!("person{number}@example.com"),
            available: true,
            resigned: false,
            frozen: false,
            exited: false,
            unregistered: false,
            removed: false,
            open_id,
        }
    }

    fn change(&mut self, spec: PersonSpec) {
        set(&mut self.name, spec.name);
        set(&mut self.locale, spec.locale);
        set(&mut self.tenant_key, spec.tenant_key);
        set(&mut self.available, spec.available);
        set(&mut self.resigned, spec.resigned);
        set(&mut self.frozen, spec.frozen);
        set(&mut self.exited, spec.exited);
        set(&mut self.unregistered, spec.unregistered);
        set(&mut self.removed, spec.removed);
        set(&mut self.mobile, spec.mobile);
        set(&mut self.email, spec.email);
    }

    /// The id as `app_id` sees the person.
    #[must_use]
    pub fn open_id_for(&self, app_id: &str) -> String {
        if app_id == DEFAULT_APP_ID {
            return self.open_id.clone();
        }
        let id = random::fixed_hex(&format!("{app_id} {}", self.open_id));
        // An app id says by its prefix whose it is. WeChat's ids of people have 28 characters, DingTalk's bear no mark.
        match app_id.get(..2) {
            Some("wx") => format!("o{}", &id[..27]),
            Some("di") => id,
            _ => format!("ou_{id}"),
        }
    }

    /// Whether a bot's message reaches the person.
    #[must_use]
    pub const fn reachable(&self) -> bool {
        self.available && !self.barred() && !self.removed
    }

    /// Whether the state of the account forbids tokens: left or frozen.
    #[must_use]
    pub const fn barred(&self) -> bool {
        self.resigned || self.frozen || self.exited
    }
}

/// All people.
#[derive(Default)]
pub struct People {
    list: Vec<Person>,
    by_open_id: HashMap<String, (PersonId, String)>,
    by_union_id: HashMap<String, PersonId>,
    app_ids: Vec<String>,
}

impl People {
    /// Gives everybody an id for a new app.
    pub fn know_app(&mut self, app_id: &str) {
        if self.app_ids.iter().any(|known| known == app_id) {
            return;
        }
        self.app_ids.push(app_id.to_owned());
        for (at, person) in self.list.iter().enumerate() {
            self.by_open_id.insert(person.open_id_for(app_id), (PersonId(at), app_id.to_owned()));
        }
    }

    /// Adds a person, or changes the one whose `open_id` (of any app) is given.
    pub fn put(&mut self, spec: PersonSpec, default_tenant: &str) -> PersonId {
        let known = spec.open_id.as_deref().and_then(|id| self.find(id));
        let id = known.unwrap_or_else(|| self.add(spec.open_id.clone(), default_tenant));
        self.list[id.0].change(spec);
        id
    }

    /// Adds `count` made-up people whose ids are the same in every run.
    pub fn generate(&mut self, count: usize, default_tenant: &str) {
        for number in 1..=count {
            let open_id = format!("ou_{}", random::fixed_hex(&format!("generated person {number}")));
            self.put(PersonSpec { open_id: Some(open_id), ..PersonSpec::default() }, default_tenant);
        }
    }

    fn add(&mut self, open_id: Option<String>, default_tenant: &str) -> PersonId {
        let id = PersonId(self.list.len());
        let open_id = open_id.unwrap_or_else(|| format!("ou_{}", random::hex(32)));
        let person = Person::new(open_id, id.0, default_tenant);
        for app_id in &self.app_ids {
            self.by_open_id.insert(person.open_id_for(app_id), (id, app_id.clone()));
        }
        self.by_union_id.insert(person.union_id.clone(), id);
        self.list.push(person);
        id
    }

    /// The person.
    #[must_use]
    pub fn get(&self, id: PersonId) -> &Person {
        &self.list[id.0]
    }

    /// Who has this `open_id` at any app.
    #[must_use]
    pub fn find(&self, open_id: &str) -> Option<PersonId> {
        self.by_open_id.get(open_id).map(|(id, _)| *id)
    }

    /// Who has this `open_id`, and at which app.
    #[must_use]
    pub fn find_with_app(&self, open_id: &str) -> Option<(PersonId, &str)> {
        self.by_open_id.get(open_id).map(|(id, app_id)| (*id, app_id.as_str()))
    }

    /// Who has this `union_id`.
    #[must_use]
    pub fn find_union(&self, union_id: &str) -> Option<PersonId> {
        self.by_union_id.get(union_id).copied()
    }

    /// The first person for whom `wanted` holds.
    pub fn find_by(&self, wanted: impl Fn(&Person) -> bool) -> Option<PersonId> {
        self.list.iter().position(wanted).map(PersonId)
    }

    /// Everybody, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = &Person> {
        self.list.iter()
    }
}
