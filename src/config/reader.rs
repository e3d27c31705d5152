//! Reads one table of the configuration, collects what is wrong, and notices what nobody read.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use toml::{Table, Value};

use super::Problem;

/// A table that is being read.
pub(super) struct Reader<'a> {
    table: Table,
    path: String,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(table: Table, path: String, problems: &'a mut Vec<Problem>) -> Self {
        Self { table, path, problems }
    }

    /// Says what is wrong with a key.
    pub(super) fn problem(&mut self, key: &str, problem: impl Into<String>) {
        let key = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        self.problems.push(Problem { key, problem: problem.into() });
    }

    /// Reads a sub-table with the function of its owner; an absent one is read as empty, for its defaults.
    pub(super) fn section<T>(&mut self, key: &str, load: impl FnOnce(&mut Reader<'_>) -> T) -> T {
        let table = match self.table.remove(key) {
            Some(Value::Table(table)) => table,
            None => Table::new(),
            Some(_) => {
                self.problem(key, format!("must be a table: [{key}]"));
                Table::new()
            }
        };
        let mut reader = Reader::new(table, key.to_owned(), self.problems);
        let value = load(&mut reader);
        reader.done();
        value
    }

    /// Reads each table of an array with the function of its owner.
    pub(super) fn sections<T>(&mut self, key: &str, mut load: impl FnMut(&mut Reader<'_>) -> T) -> Vec<T> {
        let Some(value) = self.table.remove(key) else { return Vec::new() };
        let Value::Array(tables) = value else {
            self.problem(key, format!("must be a list of tables: [[{key}]]"));
            return Vec::new();
        };
        let mut all = Vec::new();
        for (position, value) in tables.into_iter().enumerate() {
            let name = format!("{key}[{position}]");
            let Value::Table(table) = value else {
                self.problem(&name, "must be a table");
                continue;
            };
            let mut reader = Reader::new(table, name, self.problems);
            all.push(load(&mut reader));
            reader.done();
        }
        all
    }

    /// Whether the key is set.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A text; an empty one counts as absent, as an environment variable set to nothing means it.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.table.remove(key)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
                self.problem(key, "must be a text in quotes");
                None
            }
            Value::Array(_) | Value::Table(_) => {
                self.problem(key, "must be a text");
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required_text(&mut self, key: &str) -> Option<String> {
        if !self.has(key) {
            self.problem(key, "is missing");
            return None;
        }
        let text = self.text(key);
        if text.is_none() && !self.problems.iter().any(|known| known.key.ends_with(key)) {
            self.problem(key, "is empty");
        }
        text
    }

    /// A text of its own type.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &str, what: &str) -> Option<T>
    where
        T::Err: Display,
    {
        let text = self.text(key)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(key, format!("must be {what}: {error}"));
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.problem(key, format!("must be one of: {}", known.join(", ")));
        }
        found
    }

    /// A whole number within a range; an environment variable gives it as text.
    pub(super) fn integer(&mut self, key: &str, range: RangeInclusive<i64>, default: i64) -> i64 {
        let number = match self.table.remove(key) {
            None => return default,
            Some(Value::Integer(number)) => Some(number),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match number {
            Some(number) if range.contains(&number) => number,
            _ => {
                self.problem(key, format!("must be a whole number from {} to {}", range.start(), range.end()));
                default
            }
        }
    }

    /// A number within a range.
    pub(super) fn fraction(&mut self, key: &str, range: RangeInclusive<f64>, default: f64) -> f64 {
        let number = match self.table.remove(key) {
            None => return default,
            Some(Value::Float(number)) => Some(number),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match number {
            Some(number) if range.contains(&number) => number,
            _ => {
                self.problem(key, format!("must be a number from {} to {}", range.start(), range.end()));
                default
            }
        }
    }

    /// Yes or no.
    pub(super) fn boolean(&mut self, key: &str, default: bool) -> bool {
        match self.table.remove(key) {
            None => default,
            Some(Value::Boolean(value)) => value,
            Some(Value::String(text)) if matches!(text.as_str(), "true" | "1") => true,
            Some(Value::String(text)) if matches!(text.as_str(), "false" | "0") => false,
            Some(_) => {
                self.problem(key, "must be true or false");
                default
            }
        }
    }

    /// Reports what nobody read.
    pub(super) fn done(mut self) {
        for key in std::mem::take(&mut self.table).keys() {
            self.problem(key, "is not a known setting");
        }
    }
}
