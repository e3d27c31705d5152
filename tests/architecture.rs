//! Who may import whom, held as a test. The rules are in `architecture/table.rs`; the rest is the reading of them.
//!
//! The checker is a function from a file's path and text to violations ([`check::check`]). It reads `use` trees
//! (grouped, renamed, nested), paths written inline, paths inside macros and attributes, and it follows a name back to
//! what it was imported from, so neither a group nor an alias hides anything. `architecture/planted.rs` plants a
//! violation of every rule and expects it to be found. Code under `#[cfg(test)]` is free to import what it needs.

#[path = "architecture/check.rs"]
mod check;
#[path = "architecture/compared.rs"]
mod compared;
#[path = "architecture/files.rs"]
mod files;
#[path = "architecture/named.rs"]
mod named;
#[path = "architecture/planted.rs"]
mod planted;
#[path = "architecture/reading.rs"]
mod reading;
#[path = "architecture/resolve.rs"]
mod resolve;
#[path = "architecture/table.rs"]
mod table;

use std::fmt::Write as _;

/// Checks every Rust file of the four packages.
#[test]
fn the_tree_keeps_to_the_table() {
    let files = files::rust_files(&["src", "sandbox/src", "migrations/src", "engines/src"]);
    assert!(files.len() > 10, "the walk found only {} files: is it looking in the right place?", files.len());
    let tests = check::test_files(&files);
    let mut report = String::new();
    for file in &files {
        for found in check::check(&file.path, &file.text, tests.contains(&file.path)) {
            writeln!(report, "{}:{}: {}", file.path, found.line, found.what).unwrap();
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

/// Every file keeps to the size budget, and no allowance outlives its need.
#[test]
fn files_are_small() {
    let files = files::rust_files(&["src", "sandbox/src", "migrations/src", "engines/src"]);
    let tests = check::test_files(&files);
    let mut report = String::new();
    for file in &files {
        if let Some(what) = files::over_budget(&file.path, &file.text, tests.contains(&file.path)) {
            writeln!(report, "{}: {what}", file.path).unwrap();
        }
    }
    for (path, _, _) in table::ALLOWED_LINES {
        if !files.iter().any(|file| file.path == *path) {
            writeln!(report, "{path}: has an allowance in table.rs and does not exist").unwrap();
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

/// A file's name says what is in it; these names say nothing.
#[test]
fn no_file_is_called_util() {
    let bad: Vec<_> = files::rust_files(&["src", "sandbox", "migrations", "tests", "benches"])
        .into_iter()
        .filter(|file| files::says_nothing(&file.path))
        .map(|file| file.path)
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
}

/// `super::super` is forbidden in tests too.
#[test]
fn tests_do_not_climb_two_modules() {
    for file in files::rust_files(&["tests", "sandbox/tests", "benches"]) {
        let found = check::climbs(&file.path, &file.text);
        assert!(found.is_empty(), "{}: {found:?}", file.path);
    }
}

/// The checker knows each platform by name: a new folder has to be added to the table.
#[test]
fn every_platform_folder_is_known_to_the_checker() {
    for file in files::rust_files(&["src/platform"]) {
        let mut parts = file.path.trim_start_matches("src/platform/").split('/');
        if let (Some(folder), Some(_)) = (parts.next(), parts.next()) {
            let known = table::PLATFORMS.contains(&folder) || table::SHARED.contains(&folder);
            assert!(known, "src/platform/{folder} is missing in table::PLATFORMS");
        }
    }
}

/// The sandbox and the migrations do not even depend on the gateway.
#[test]
fn members_do_not_depend_on_the_gateway() {
    for (member, forbidden) in [("sandbox", &["cardkey", "cardkey-migrations"][..]), ("migrations", &["cardkey"][..])] {
        let text = files::text(&format!("{member}/Cargo.toml"));
        let found = files::dependencies(&text);
        assert!(found.iter().any(|name| name.contains('-')), "no dependencies read from {member}/Cargo.toml");
        for name in forbidden {
            assert!(!found.iter().any(|it| it == name), "{member} depends on {name}");
        }
    }
}
