//! Files: finding them, their size, their names.

use std::path::{Path, PathBuf};

use syn::spanned::Spanned;

use crate::reading;
use crate::table::{ALL_LINES, ALLOWED_LINES, PRODUCTION_LINES};

/// A source file.
pub(crate) struct Source {
    /// Its path from the repository's root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All Rust files under these folders; a folder that does not exist has none.
pub(crate) fn rust_files(folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target" && name != "node_modules") {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            found.push(Source { text: text(&relative), path: relative });
        }
    }
}

/// What is wrong with a file's size, if anything.
pub(crate) fn over_budget(path: &str, text: &str, test_file: bool) -> Option<String> {
    let all = text.lines().count();
    let production = if test_file { 0 } else { all - test_lines(text) };
    let over = production > PRODUCTION_LINES || all > ALL_LINES;
    match ALLOWED_LINES.iter().find(|(allowed, _, _)| *allowed == path) {
        Some(_) if !over => Some("fits the budget again: take it off table::ALLOWED_LINES".to_owned()),
        Some((_, most, _)) if all <= *most => None,
        _ if over => Some(format!(
            "{production} lines of production code (at most {PRODUCTION_LINES}), {all} in all (at most {ALL_LINES})"
        )),
        _ => None,
    }
}

/// How many lines belong to items under `#[cfg(test)]`.
pub(crate) fn test_lines(text: &str) -> usize {
    let Ok(file) = syn::parse_file(text) else { return 0 };
    file.items
        .iter()
        .filter(|item| reading::is_test(reading::attributes(item)))
        .map(|item| item.span().end().line + 1 - item.span().start().line)
        .sum()
}

/// Whether a part of the path is a name that says nothing about what is inside.
pub(crate) fn says_nothing(path: &str) -> bool {
    path.trim_end_matches(".rs").split(['/', '_', '-']).any(|word| {
        word.starts_with("util")
            || word.starts_with("helper")
            || ["common", "misc", "manager", "managers"].contains(&word)
    })
}

/// The names of all dependencies in a manifest; a renamed one counts by its package.
pub(crate) fn dependencies(manifest: &str) -> Vec<String> {
    let parsed: toml::Table = manifest.parse().unwrap_or_default();
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| parsed.get(*section)?.as_table())
        .flatten()
        .map(|(name, value)| value.get("package").and_then(|package| package.as_str()).unwrap_or(name).to_owned())
        .collect()
}
