//! `cardkey backup` and `cardkey restore`, by the real binary. Chaos 48, I29.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cardkey_sandbox::ALICE;
use sea_orm::{ConnectionTrait as _, Database, Statement};

use crate::harness::{MASTER_KEY, Setup, World};

const READ: &[&str] = &["apaas:app:read"];

/// The database: in use, newer, other keys.
const DATABASE: i32 = 4;
/// The backup's file.
const FILE: i32 = 6;

fn ring() -> String {
    format!("k1:{MASTER_KEY}")
}

/// A place for backups. Not in the directory that is scanned file by file: some tests put all kinds of files there.
fn backups(world: &World) -> PathBuf {
    let folder = world.directory.path().join("backups");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn database(world: &World) -> PathBuf {
    world.directory.path().join("cardkey.db")
}

async fn run(world: &World, command: &str, file: &Path) -> Output {
    world.run(&[command, file.to_str().unwrap()]).await
}

#[track_caller]
fn assert_done(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!((complaint.as_ref(), output.status.code()), ("", Some(0)));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// It ended with this code and one line that holds these words.
#[track_caller]
fn assert_refused(output: &Output, code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.starts_with("cardkey: ") && text.lines().count() == 1, "one line: {text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
}

/// What SQLite answers about this file.
async fn sqlite(file: &Path, sql: &str) -> String {
    let db = Database::connect(format!("sqlite://{}?mode=ro", file.display())).await.unwrap();
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    let answer = row.unwrap().try_get_by(0).unwrap();
    db.close().await.unwrap();
    answer
}

async fn change(file: &Path, sql: &str) {
    let db = Database::connect(format!("sqlite://{}?mode=rw", file.display())).await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_backup_is_whole_private_and_taken_while_the_gateway_works() {
    let world = World::with_binary(Setup::default()).await;
    world.seed(&ring(), 300).await;
    let process = world.start_process().await;
    world.granted(READ).await;
    let file = backups(&world).join("one.db");
    let (made, reply) = tokio::join!(run(&world, "backup", &file), world.ask(READ));
    assert!(assert_done(&made).contains("holds the database"));
    assert_eq!(reply.status, 200);

    assert_eq!(names(&backups(&world)), ["one.db"], "nothing else is left");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(sqlite(&file, "PRAGMA integrity_check").await, "ok");
    assert_eq!(sqlite(&file, "SELECT CAST(count(*) AS TEXT) FROM grants").await, "301");
    assert_eq!(sqlite(&file, "SELECT CAST(page_size AS TEXT) FROM pragma_page_size").await, "16384");

    assert_refused(&run(&world, "backup", &file).await, FILE, &["one.db exists already", "--force"]);
    let again = world.run(&["backup", file.to_str().unwrap(), "--force"]).await;
    assert_done(&again);
    process.stop().await;
    world.end().await;
}

/// Every stale grant is found out at its first use, once, and the person is asked.
#[tokio::test]
async fn i29_what_became_stale_since_the_backup_is_denied_once_and_asked_again() {
    let mut setup = Setup::default();
    setup.sandbox.lifetimes.access_token_s = 1;
    let world = World::with_binary(setup).await;
    let process = world.start_process().await;
    world.granted(READ).await;
    let file = backups(&world).join("old.db");
    assert_done(&run(&world, "backup", &file).await);
    // The pair in the backup is spent by the first of these at the latest.
    for generation in 2..=4 {
        while world.grants().await[0]["generation"].as_i64() < Some(generation) {
            assert_eq!(world.ask(READ).await.status, 200);
        }
    }
    assert_refused(&run(&world, "restore", &file).await, DATABASE, &["another cardkey process serves"]);
    process.stop().await;
    let said = assert_done(&run(&world, "restore", &file).await);
    assert!(said.contains("is the database now; the former one is kept as"), "{said}");

    let before = refresh_tokens_tried(&world).len();
    let process = world.start_process().await;
    let generation = world.grants().await[0]["generation"].as_i64().unwrap();
    assert!(generation < 4, "it is the old one again: {generation}");
    let reply = world.ask(READ).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    for _ in 0..5 {
        assert_eq!(world.ask(READ).await.status, 202);
    }
    let tried = refresh_tokens_tried(&world).len() - before;
    assert!((1..=3).contains(&tried), "the spent token was tried {tried} times");
    assert_eq!(world.grants().await[0]["status"], "needs_consent");

    let card = world.card_turns(ALICE, "blue").await;
    assert_eq!(world.visit(&World::card_link(&card), ALICE, "allow").await.mood(), "good");
    assert_eq!(world.ended(&reply.session()).await["status"], "completed");
    assert_eq!(world.ask(READ).await.status, 200);
    assert_eq!(world.messages(ALICE).await.len(), 1, "one card");
    process.stop().await;
    world.end().await;
}

fn refresh_tokens_tried(world: &World) -> Vec<cardkey_sandbox::journal::Entry> {
    world.sandbox.feishu().journal.read(0, |entry| entry.call.grant_type.as_deref() == Some("refresh_token"))
}

#[tokio::test]
async fn the_former_database_is_kept_whole_beside_the_restored_one() {
    let world = World::with_binary(Setup::default()).await;
    world.seed(&ring(), 5).await;
    let file = backups(&world).join("five.db");
    assert_done(&run(&world, "backup", &file).await);
    change(&database(&world), "DELETE FROM grants").await;
    assert_done(&run(&world, "restore", &file).await);
    world.seeded_grants_open(&ring(), 5).await;

    let former: Vec<_> = names(world.directory.path()).into_iter().filter(|name| name.contains("before")).collect();
    assert_eq!(former.len(), 1, "{former:?}");
    assert!(former[0].starts_with("cardkey.db.before-restore-2") && former[0].ends_with('Z'), "{former:?}");
    let former = world.directory.path().join(&former[0]);
    assert_eq!(sqlite(&former, "PRAGMA integrity_check").await, "ok");
    assert_eq!(sqlite(&former, "SELECT CAST(count(*) AS TEXT) FROM grants").await, "0");
    assert_eq!(database(&world).metadata().unwrap().permissions().mode() & 0o777, 0o600);

    fs::remove_file(database(&world)).unwrap();
    let said = assert_done(&run(&world, "restore", &file).await);
    assert!(!said.contains("former"), "into an empty place: {said}");
    world.seeded_grants_open(&ring(), 5).await;
    world.end().await;
}

#[tokio::test]
async fn a_damaged_database_can_be_replaced() {
    let world = World::with_binary(Setup::default()).await;
    world.seed(&ring(), 5).await;
    let file = backups(&world).join("five.db");
    assert_done(&run(&world, "backup", &file).await);
    fs::write(database(&world), "not a database any more ".repeat(1_000)).unwrap();
    fs::write(world.directory.path().join("cardkey.db-wal"), "left over").unwrap();
    assert_refused(&run(&world, "backup", &backups(&world).join("x.db")).await, DATABASE, &["not a database"]);
    assert_done(&run(&world, "restore", &file).await);
    world.seeded_grants_open(&ring(), 5).await;
    let left = names(world.directory.path());
    let kept = left.iter().find(|name| name.contains("before-restore")).unwrap();
    assert!(fs::read(world.directory.path().join(kept)).unwrap().starts_with(b"not a database any more"));
    assert!(!left.contains(&"cardkey.db-wal".to_owned()), "no log of another file is left: {left:?}");
    world.end().await;
}

#[tokio::test]
async fn what_is_no_backup_of_this_gateway_is_refused_and_changes_nothing() {
    let world = World::with_binary(Setup::default()).await;
    world.seed(&ring(), 3).await;
    let folder = backups(&world);
    let good = folder.join("good.db");
    assert_done(&run(&world, "backup", &good).await);
    let copy = |name: &str| {
        let path = folder.join(name);
        fs::copy(&good, &path).unwrap();
        path
    };
    let newer = copy("newer.db");
    change(&newer, "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99990101_000001_future', 0)").await;
    let other_key = copy("other-key.db");
    change(&other_key, "UPDATE vault_keys SET key_id = 'k9'").await;
    let wrong_key = copy("wrong-key.db");
    change(&wrong_key, "UPDATE vault_keys SET check_sealed = (SELECT access_sealed FROM grants LIMIT 1)").await;
    let foreign = folder.join("foreign.db");
    fs::write(&foreign, "").unwrap();
    change(&foreign, "CREATE TABLE t (x)").await;
    let text = folder.join("text.db");
    fs::write(&text, "a text, and long enough to be a page ".repeat(1_000)).unwrap();
    let in_use = copy("in-use.db");
    fs::write(folder.join("in-use.db-wal"), "frames").unwrap();
    let cut = copy("cut.db");
    let length = cut.metadata().unwrap().len();
    fs::OpenOptions::new().write(true).open(&cut).unwrap().set_len(length / 2).unwrap();
    let rows: [(PathBuf, i32, &[&str]); 10] = [
        (folder.join("nowhere.db"), FILE, &["nowhere.db cannot be read"]),
        (folder.clone(), FILE, &["backups cannot be read"]),
        (text, FILE, &["text.db", "not a database"]),
        (cut, FILE, &["cut.db cannot be used as a backup"]),
        (foreign, FILE, &["foreign.db", "not a database of this program"]),
        (in_use, FILE, &["in-use.db", "write-ahead log beside it"]),
        (newer, DATABASE, &["newer version", "m99990101_000001_future"]),
        (other_key, DATABASE, &["key `k9`", "not in the keyring"]),
        (wrong_key, DATABASE, &["key `k1`", "not the key"]),
        (database(&world), FILE, &["is the database itself"]),
    ];
    for (file, code, words) in rows {
        assert_refused(&run(&world, "restore", &file).await, code, words);
    }
    let itself = world.run(&["backup", database(&world).to_str().unwrap(), "--force"]).await;
    assert_refused(&itself, FILE, &["is the database itself"]);
    let left = names(world.directory.path());
    assert!(!left.iter().any(|name| name.contains("restor")), "{left:?}");
    world.seeded_grants_open(&ring(), 3).await;
    world.end().await;
}

/// Runs a command that may not make a file longer than 256 KB: its disk is full, as far as it can tell.
async fn run_on_a_full_disk(world: &World, command: &str, file: &Path) -> Output {
    let config = world.config_path();
    let arguments = [command, file.to_str().unwrap(), "--demo", "--config", config.to_str().unwrap()];
    let inner = world.command(&arguments);
    let mut outer = Command::new("sh");
    outer.args(["-c", "trap '' XFSZ; ulimit -f 512; exec \"$0\" \"$@\""]).arg(inner.get_program());
    outer.args(inner.get_args()).env_clear().current_dir(world.directory.path()).stdin(Stdio::null());
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    world.finish(outer).await
}

#[tokio::test]
async fn a_full_disk_leaves_no_half_file_and_the_database_as_it_was() {
    let world = World::with_binary(Setup::default()).await;
    world.seed(&ring(), 400).await;
    let file = backups(&world).join("large.db");
    assert_refused(&run_on_a_full_disk(&world, "backup", &file).await, FILE, &["large.db cannot be written"]);
    assert_eq!(names(&backups(&world)), Vec::<String>::new());
    assert_done(&run(&world, "backup", &file).await);
    assert!(file.metadata().unwrap().len() > 512 * 1024, "it is longer than the limit");
    assert_refused(&run_on_a_full_disk(&world, "restore", &file).await, FILE, &["cannot be written"]);
    assert_refused(&run(&world, "backup", &backups(&world).join("no/folder.db")).await, FILE, &["cannot be written"]);
    world.seeded_grants_open(&ring(), 400).await;
    world.end().await;
}

/// Killed while the copy is under way: under the wanted name there is nothing, or all.
#[tokio::test]
async fn a_kill_leaves_no_half_file_under_the_wanted_name() {
    let world = World::with_binary(Setup::default()).await;
    world.seed(&ring(), 400).await;
    let (folder, config) = (backups(&world), world.config_path());
    let file = folder.join("killed.db");
    let mut command =
        world.command(&["backup", file.to_str().unwrap(), "--demo", "--config", config.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while names(&folder).is_empty() {
        tokio::task::yield_now().await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    if file.exists() {
        assert_eq!(sqlite(&file, "PRAGMA integrity_check").await, "ok");
    }
    assert_done(&world.run(&["backup", file.to_str().unwrap(), "--force"]).await);
    world.end().await;
}

/// Nobody else may have the file open while it is replaced: not even a command without the gateway's lock.
#[tokio::test]
async fn a_database_that_somebody_has_open_is_not_replaced() {
    let world = World::with_binary(Setup::default()).await;
    let file = backups(&world).join("one.db");
    assert_done(&run(&world, "backup", &file).await);
    let store = world.open_store(&ring()).await;
    assert_refused(&run(&world, "restore", &file).await, DATABASE, &["cardkey.db is in use"]);
    store.close().await;
    assert_done(&run(&world, "restore", &file).await);
    world.end().await;
}
