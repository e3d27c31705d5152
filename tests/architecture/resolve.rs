//! Follows a written path back to what it names: relative paths, aliases, child modules.

use std::collections::{BTreeMap, BTreeSet};

use crate::named::{Named, Names};

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A path of this package, from its root.
    Ours(Vec<String>),
    /// A path of another package; the first segment is its name.
    Other(Vec<String>),
}

/// Knows a file's aliases and child modules.
pub(crate) struct Resolver<'a> {
    aliases: BTreeMap<&'a str, &'a Named>,
    children: BTreeSet<(&'a [String], &'a str)>,
}

/// Deeper chains of aliases than this are not followed.
const MOST_ALIASES: usize = 8;

impl<'a> Resolver<'a> {
    /// Learns the aliases of production code.
    pub(crate) fn new(names: &'a Names) -> Self {
        let aliases = names
            .all
            .iter()
            .filter(|named| !named.test)
            .filter_map(|named| Some((named.import.as_ref()?.0.as_deref()?, named)))
            .collect();
        let children = names.modules.iter().map(|(parent, name, _)| (parent.as_slice(), name.as_str())).collect();
        Self { aliases, children }
    }

    /// What a path names.
    pub(crate) fn target(&self, named: &Named) -> Target {
        self.follow(named.path.clone(), named, MOST_ALIASES)
    }

    fn follow(&self, path: Vec<String>, at: &Named, depth: usize) -> Target {
        let (first, rest) = path.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        match first {
            _ if at.rooted && depth == MOST_ALIASES => by_crate(path),
            "crate" => Target::Ours(rest.to_vec()),
            "self" | "super" => Target::Ours(climb(&path, &at.module)),
            _ => self.follow_name(path, at, depth),
        }
    }

    fn follow_name(&self, path: Vec<String>, at: &Named, depth: usize) -> Target {
        let first = path[0].as_str();
        let itself = |alias: &Named| alias.path.len() == 1 && alias.path[0] == first;
        if let Some(alias) = self.aliases.get(first)
            && depth > 0
            && !itself(alias)
            && !std::ptr::eq(*alias, at)
        {
            let longer = alias.path.iter().chain(&path[1..]).cloned().collect();
            return self.follow(longer, alias, depth - 1);
        }
        if self.children.contains(&(at.module.as_slice(), first)) {
            return Target::Ours(at.module.iter().chain(&path).cloned().collect());
        }
        by_crate(path)
    }
}

/// The binary calls the library by its package's name.
fn by_crate(path: Vec<String>) -> Target {
    if path.first().is_some_and(|name| name == "cardkey") {
        Target::Ours(path[1..].to_vec())
    } else {
        Target::Other(path)
    }
}

fn climb(path: &[String], module: &[String]) -> Vec<String> {
    let mut here = module.to_vec();
    let mut rest = path;
    while let Some((first, tail)) = rest.split_first() {
        match first.as_str() {
            "self" => {}
            "super" => drop(here.pop()),
            _ => break,
        }
        rest = tail;
    }
    here.extend_from_slice(rest);
    here
}
