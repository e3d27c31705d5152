//! The documents say what the code does, where that can be held by a test: metrics, problem types, settings, direct
//! dependencies, links between files.

use std::collections::BTreeSet;
use std::path::Path;

use cardkey::config::VARIABLES;

const API: &str = include_str!("../docs/api.md");
const OPERATIONS: &str = include_str!("../docs/operations.md");
const DEPENDENCIES: &str = include_str!("../docs/dependencies.md");

/// Texts between the first and the second `quote` of each piece of `text` behind `before`.
fn quoted(text: &str, before: &str, quote: char) -> BTreeSet<String> {
    text.split(before)
        .skip(1)
        .filter_map(|piece| piece.trim_start().strip_prefix(quote)?.split(quote).next())
        .map(str::to_owned)
        .collect()
}

/// The texts in backquotes in the first cell of each table row.
fn first_cells(text: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust text in a folder or of a file.
fn source(path: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(path) else { return std::fs::read_to_string(path).unwrap_or_default() };
    entries.flatten().map(|entry| source(&entry.path())).collect()
}

fn module(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    source(&folder.join(name)) + &source(&folder.join(format!("{name}.rs")))
}

#[test]
fn operations_lists_every_metric_and_no_other() {
    let code = module("metrics");
    let made = ["gauge(", "counter(", "histogram("].iter().flat_map(|call| quoted(&code, call, '"'));
    let made: BTreeSet<_> = made.map(|name| format!("cardkey_{name}")).collect();
    let listed = first_cells(OPERATIONS).into_iter().filter(|cell| cell.starts_with("cardkey_")).collect();
    assert!(made.len() >= 10, "read too few metrics from the source: {made:?}");
    assert_eq!(made, listed);
}

#[test]
fn api_lists_every_problem_and_no_other() {
    // Words of problems are the source's only texts of small letters with a dash, but for one header's value; two
    // have no dash.
    let code = module("web/problem").replace("no-store", "");
    let is_word = |word: &&str| word.contains('-') && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let made: BTreeSet<_> = code.split('"').filter(is_word).chain(["internal", "unauthorized"]).collect();
    let (_, table) = API.split_once("## Problems").unwrap();
    let listed = first_cells(table);
    assert!(made.len() > 15, "read too few problems from the source: {made:?}");
    assert_eq!(made, listed.iter().map(String::as_str).collect());
}

#[test]
fn operations_lists_every_setting_with_its_default() {
    for variable in VARIABLES {
        let row =
            OPERATIONS.lines().find(|line| line.starts_with("| `") && line.contains(&format!("`{}`", variable.name)));
        let row = row.unwrap_or_else(|| panic!("{} is not in docs/operations.md", variable.name));
        let key = if variable.key.0 == "app" {
            variable.key.1.to_owned()
        } else {
            variable.key.0.to_owned() + "." + variable.key.1
        };
        assert!(row.contains(&format!("`{key}`")), "{row} must name {key}");
        let literal = !variable.default.is_empty() && !variable.default.contains(' ');
        assert!(!literal || row.contains(&format!("`{}`", variable.default)), "{row} must name {}", variable.default);
    }
}

#[test]
fn every_direct_dependency_has_its_reason() {
    let names = |manifest: &str| -> BTreeSet<String> {
        let parsed: toml::Table = read(manifest).parse().unwrap();
        let sections = ["dependencies", "dev-dependencies"].iter().filter_map(|name| parsed.get(*name)?.as_table());
        sections.flat_map(|section| section.keys().cloned()).collect()
    };
    let manifests = ["Cargo.toml", "sandbox/Cargo.toml", "migrations/Cargo.toml"];
    let all: BTreeSet<_> = manifests.into_iter().flat_map(names).collect();
    for name in all.iter().filter(|name| !name.starts_with("cardkey") && *name != "migrations") {
        let whole = DEPENDENCIES.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').any(|word| word == name);
        assert!(whole, "docs/dependencies.md does not say why there is {name}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap().flatten().map(|entry| entry.path());
    let documents = docs.chain([root.join("README.md"), root.join("CHANGELOG.md")]);
    for document in documents.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|piece| piece.split([')', '#']).next()) {
            // Pictures are made by `make pictures`.
            let inside = !link.is_empty() && !link.contains("://") && !link.contains("pictures/");
            let there = document.parent().is_some_and(|folder| folder.join(link).exists());
            assert!(!inside || there, "{}: there is no {link}", document.display());
        }
    }
}

/// The files that a test's path can be in: a module's, a folder's, or the one around an inline module.
fn homes(segments: &[&str]) -> Vec<String> {
    let (root, inner) = match segments {
        ["it", inner @ ..] => ("tests/it", inner),
        ["sandbox", inner @ ..] => ("sandbox/src", inner),
        inner => ("src", inner),
    };
    let path = format!("{root}/{}", inner.join("/"));
    let around = path.rsplit_once('/').map(|(around, _)| around.to_owned()).unwrap_or_default();
    [path, around].iter().flat_map(|path| [format!("{path}.rs"), format!("{path}/mod.rs")]).collect()
}

/// The documents whose tables name tests.
const PROOFS: &[&str] = &["docs/invariants.md", "docs/chaos.md"];

#[test]
fn tests_that_a_document_names_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in PROOFS {
        let (text, mut seen) = (read(document), 0);
        let rows = text.lines().filter(|line| line.starts_with('|'));
        for path in rows.flat_map(|row| row.split('`').skip(1).step_by(2)).filter(|path| path.contains("::")) {
            let segments: Vec<_> = path.split("::").collect();
            let (name, module) = segments.split_last().unwrap();
            let sources = homes(module).into_iter().filter_map(|file| std::fs::read_to_string(root.join(file)).ok());
            let there = sources.collect::<String>().contains(&format!("fn {name}("));
            assert!(there, "{document}: there is no test {path}");
            seen += 1;
        }
        assert!(seen > 10, "{document}: only {seen} names were read");
    }
}

#[test]
fn every_invariant_has_a_row() {
    let table = read("docs/invariants.md");
    for number in 1..=30 {
        assert!(table.contains(&format!("\n| I{number} | ")), "I{number} is missing");
    }
    for number in 1..=13 {
        assert!(table.contains(&format!("\n| E{number} | ")), "E{number} is missing");
    }
}
