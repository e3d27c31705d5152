//! Judges one file by the table.

use std::collections::BTreeSet;

use crate::compared;
use crate::files::Source;
use crate::named::{Named, Names};
use crate::resolve::{Resolver, Target};
use crate::table::{CRATES, IMPORTS, NOT_IN_DOMAIN, PLATFORMS, Part, SHARED};

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// The line.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// All violations of a file. `path` is relative to the repository; `test_file` says that the whole file is test code.
pub(crate) fn check(path: &str, text: &str, test_file: bool) -> Vec<Violation> {
    let file = match syn::parse_file(text) {
        Ok(file) => file,
        Err(error) => return vec![Violation { line: 0, what: format!("cannot be read: {error}") }],
    };
    let place = Place::new(path);
    let names = Names::read(&file, place.module.clone(), test_file);
    let mut found: BTreeSet<Violation> = climbing(&names).collect();
    if !test_file {
        found.extend(modules(&names));
        found.extend(imports(&place, &names));
        found.extend(platform_names(&place, &file, &names));
    }
    found.into_iter().collect()
}

/// Where `super::super` is written.
pub(crate) fn climbs(path: &str, text: &str) -> Vec<Violation> {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
    climbing(&Names::read(&file, Vec::new(), true)).collect()
}

/// The files that are test code as a whole: declared by `#[cfg(test)] mod name;`, and all below them.
pub(crate) fn test_files(files: &[Source]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in files {
        let place = Place::new(&source.path);
        let Ok(file) = syn::parse_file(&source.text) else { continue };
        for (parent, name, _) in Names::read(&file, place.module, false).modules.iter().filter(|module| module.2) {
            let above = [&[place.folder.trim_end_matches('/').to_owned()], parent.as_slice()].concat().join("/");
            let base = format!("{above}/{name}");
            let (flat, deep) = (format!("{base}.rs"), format!("{base}/"));
            found.extend(files.iter().map(|it| &it.path).filter(|it| **it == flat || it.starts_with(&deep)).cloned());
        }
    }
    found
}

/// Where a file stands.
struct Place {
    /// `src/`, `sandbox/src/` or `migrations/src/`.
    folder: String,
    /// The module path.
    module: Vec<String>,
    /// The module path as `a/b`, with `main` and `lib` for the roots.
    name: String,
}

impl Place {
    fn new(path: &str) -> Self {
        let (package, rest) = path.split_once("src/").unwrap_or(("", path));
        let name = rest.trim_end_matches(".rs").trim_end_matches("/mod").to_owned();
        let root = ["main", "lib"].contains(&name.as_str());
        let module = if root { Vec::new() } else { name.split('/').map(str::to_owned).collect() };
        Self { folder: format!("{package}src/"), module, name }
    }

    fn top(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    fn gateway(&self) -> bool {
        self.folder == "src/"
    }

    /// The platform in whose folder the file is.
    fn platform(&self) -> Option<&str> {
        let mut parts = self.name.split('/');
        (parts.next() == Some("platform")).then(|| parts.next()).flatten().filter(|name| PLATFORMS.contains(name))
    }
}

fn climbing(names: &Names) -> impl Iterator<Item = Violation> {
    names.all.iter().filter_map(|named| {
        let twice = named.path.windows(2).any(|pair| pair == ["super", "super"]);
        twice.then(|| Violation { line: named.line, what: "super::super: name the module from crate".to_owned() })
    })
}

fn modules(names: &Names) -> impl Iterator<Item = Violation> {
    names.modules.iter().filter(|(_, name, test)| !test && crate::files::says_nothing(name)).map(|(_, name, _)| {
        Violation { line: 0, what: format!("module `{name}`: the name says nothing about what is inside") }
    })
}

fn imports(place: &Place, names: &Names) -> Vec<Violation> {
    let resolver = Resolver::new(names);
    let production = names.all.iter().filter(|named| !named.test);
    let mut found = Vec::new();
    for named in production {
        let what = match resolver.target(named) {
            Target::Ours(path) if place.gateway() => ours(place, &path, named),
            Target::Ours(path) if named.path.first().is_some_and(|name| name == "cardkey") => {
                Some(format!("{} names the gateway: cardkey::{}", place.folder, path.join("::")))
            }
            Target::Ours(_) => None,
            Target::Other(path) => other(place, &path),
        };
        found.extend(what.map(|what| Violation { line: named.line, what }));
    }
    found
}

/// A path of our own package, named in the gateway.
fn ours(place: &Place, path: &[String], named: &Named) -> Option<String> {
    let glob = named.import.as_ref().is_some_and(|(_, glob)| *glob);
    let top = path.first().map(String::as_str);
    if glob && (top.is_none() || path == ["platform"]) {
        return Some("a glob import that hides which modules are named".to_owned());
    }
    let (top, second) = (top?, path.get(1).map_or("", String::as_str));
    if top == "store" && second == "entity" && place.top() != "store" {
        return Some("store::entity outside store".to_owned());
    }
    if place.name == "lib" || place.top() == "app" {
        return None;
    }
    let Some((_, allowed)) = IMPORTS.iter().find(|(module, _)| *module == place.top()) else {
        return Some(format!("module `{}` stands in no row of table::IMPORTS", place.top()));
    };
    let part = allowed.iter().find(|(module, _)| *module == top).map(|(_, part)| *part);
    let fits = match part {
        _ if top == place.top() && top != "platform" => true,
        Some(part) => part_fits(part, second, place),
        None => false,
    };
    (!fits).then(|| format!("{} must not name {}", place.name, path.join("::")))
}

fn part_fits(part: Part, second: &str, place: &Place) -> bool {
    match part {
        Part::All => true,
        Part::Only(name) => second == name,
        Part::Contract => !PLATFORMS.contains(&second) && !SHARED.contains(&second),
        Part::Shared => !PLATFORMS.contains(&second) || place.platform() == Some(second),
        Part::Inbox => second == "inbox" || second.starts_with(char::is_uppercase),
    }
}

/// A path of another package.
fn other(place: &Place, path: &[String]) -> Option<String> {
    let name = path[0].as_str();
    let whole = path.join("::");
    if name == "migrations" || name == "cardkey_migrations" {
        let fits = place.gateway() && ["store", "app"].contains(&place.top());
        return (!fits).then(|| format!("{} must not name the migrations", place.name));
    }
    if !place.gateway() {
        return None;
    }
    if place.top() == "domain" && NOT_IN_DOMAIN.iter().any(|no| whole == *no || whole.starts_with(&format!("{no}::"))) {
        return Some(format!("domain must not name {whole}"));
    }
    let (_, homes) = CRATES.iter().find(|(it, _)| *it == name)?;
    let fits = homes.iter().any(|home| at_home(home, &place.name));
    (!fits).then(|| format!("{} must not name {name}: it belongs to {}", place.name, homes.join(", ")))
}

/// Whether a place is this home or below it; `*` stands for one folder.
fn at_home(home: &str, place: &str) -> bool {
    let mut parts = place.split('/');
    home.split('/').all(|wanted| parts.next().is_some_and(|part| wanted == "*" || wanted == part))
}

fn platform_names(place: &Place, file: &syn::File, names: &Names) -> Vec<Violation> {
    if !place.gateway() || place.platform().is_some() {
        return Vec::new();
    }
    let because = |what: &'static str| move |line| Violation { line, what: what.to_owned() };
    let mut found: Vec<_> =
        compared::lines(file).into_iter().map(because("a platform's name compared outside its folder")).collect();
    if place.top() == "domain" {
        found.extend(compared::names(file).into_iter().map(because("domain names a platform")));
        found.extend(names.asynchronous.iter().copied().map(because("domain is not async")));
    }
    found
}
