//! A database's whole content as its own program writes it, for tests that look for something in it. Texts and bytes alike
//! stand in it as they are, but for characters that a client must quote.

use std::path::PathBuf;
use std::process::Command;

use crate::Engine;

/// Everything in the database of this URL.
pub(crate) fn dump(engine: Engine, url: &str) -> Vec<u8> {
    let mut command = match engine {
        Engine::Postgres => postgres(url),
        Engine::MariaDb => mariadb(url),
    };
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn postgres(url: &str) -> Command {
    let mut command = Command::new(crate::postgres::program("pg_dump"));
    // Bytes that are letters are written as letters.
    command.env("PGOPTIONS", "-c bytea_output=escape").arg(url);
    command
}

fn mariadb(url: &str) -> Command {
    let (server, database) = url.rsplit_once('/').unwrap();
    let (_, port) = server.rsplit_once(':').unwrap();
    let mut command = Command::new(PathBuf::from("mariadb-dump"));
    command.args(["--no-defaults", "-h", "127.0.0.1", "-P", port, "-u", "root", "--skip-hex-blob", database]);
    command
}
