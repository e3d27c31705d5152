//! SQLite's write-ahead log, which cannot start anew while somebody reads: it grows, and an operator can see it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::READ;
use crate::harness::{APP, World};

/// Bytes in the log, as the metrics say.
async fn log_bytes(world: &World) -> u64 {
    world.count("cardkey_sqlite_wal_bytes").await
}

/// A reader that keeps what it has seen until it is told to end.
fn long_reader(world: &World) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new("sqlite3");
    command.arg(world.directory.path().join("cardkey.db")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"BEGIN;\nSELECT count(*) FROM grants;\n").unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(output.read_line(&mut String::new()).unwrap(), 2, "it has read a number");
    (child, output)
}

/// Writes the log back and empties it, if nobody reads from it.
fn empty_log(world: &World) -> bool {
    let file = world.directory.path().join("cardkey.db");
    let output = Command::new("sqlite3").arg(file).arg("PRAGMA wal_checkpoint(TRUNCATE)").output().unwrap();
    output.stdout.starts_with(b"0|")
}

#[tokio::test]
async fn a_log_that_a_reader_keeps_from_being_emptied_is_seen_to_grow() {
    let world = World::new().await;
    world.granted(READ).await;
    let (mut reader, _output) = long_reader(&world);
    let before = log_bytes(&world).await;
    assert_ne!(before, 0);
    for number in 0..5 {
        world.new_key(&format!("key-{number}"), &[APP], "apaas:app:read").await;
    }
    let grown = log_bytes(&world).await;
    assert!(grown > before, "{before} {grown}");
    assert!(!empty_log(&world), "the reader is in the way");
    assert_eq!(log_bytes(&world).await, grown);
    drop(reader.stdin.take());
    assert!(reader.wait().unwrap().success());
    assert!(empty_log(&world));
    assert_eq!(log_bytes(&world).await, 0);
    world.end().await;
}
