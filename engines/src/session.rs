//! A client of a server's that has begun a transaction, and holds what it locked until it is dropped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};

use crate::{Engine, mariadb, postgres};

/// What the client says when it has what it wants.
const HELD: &str = "it is held";

/// A transaction that does not end by itself.
#[derive(Debug)]
pub struct Transaction(Child);

impl Transaction {
    /// Runs this SQL in a transaction of the database with this URL.
    ///
    /// # Panics
    ///
    /// If the server does not do it.
    #[must_use]
    pub fn begin(engine: Engine, url: &str, sql: &str) -> Self {
        let mut command = match engine {
            Engine::Postgres => postgres::session(url),
            Engine::MariaDb => mariadb::session(url),
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.as_mut().unwrap();
        writeln!(input, "BEGIN;\n{sql};\nSELECT '{HELD}';").unwrap();
        input.flush().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.into_iter().any(|line| line == HELD), "{sql}");
        Self(child)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // The client ends with its input, and the server undoes what it had begun.
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}
