//! PostgreSQL. What tests write need not survive the machine, so it does not wait for the disk; measurements want that it does.

use std::path::PathBuf;
use std::process::Command;

use crate::server::{Care, Folder, Server, feed, finish, free_port, until_success, until_up};

/// What the care costs. What does not concern the disk is as much as a small server of its own would be given.
const fn settings(care: Care) -> &'static [&'static str] {
    match care {
        Care::Haste => {
            &["fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=64MB", "autovacuum=off"]
        }
        Care::Kept => {
            &["fsync=off", "full_page_writes=off", "synchronous_commit=on", "shared_buffers=64MB", "autovacuum=off"]
        }
        Care::Disk => &["shared_buffers=1GB", "max_wal_size=4GB"],
    }
}

/// With TLS for whoever asks for it, or without any.
pub(crate) fn start(with_tls: bool, care: Care) -> Server {
    let folder = Folder::new("postgres");
    let data = folder.path.join("data");
    let options = ["--no-sync", "--auth=trust", "--username=cardkey", "--encoding=UTF8", "--locale=C.UTF-8"];
    finish(folder.command(&program("initdb")).args(options).arg("--pgdata").arg(&data));
    let port = free_port();
    let mut command = server(&folder, port, care);
    let tls = with_tls.then(|| folder.tls());
    if let Some(tls) = &tls {
        command.args(["-c", "ssl=on", "-c", &format!("ssl_cert_file={}", tls.certificate.display())]);
        command.args(["-c", &format!("ssl_key_file={}", tls.key.display())]);
    }
    let server = folder.serve(&command, port, tls);
    up(&server);
    server
}

/// A standby of the server on this port, made from it; what happens there from then on it hears by way of `via`.
pub(crate) fn start_standby(of: u16, via: u16) -> Server {
    let folder = Folder::new("postgres");
    let mut copy = folder.command(&program("pg_basebackup"));
    copy.args(["-h", "127.0.0.1", "-p", &of.to_string(), "-U", "cardkey", "-c", "fast", "--no-sync", "-R", "-D"]);
    finish(copy.arg(folder.path.join("data")));
    let port = free_port();
    let mut command = server(&folder, port, Care::Kept);
    command.args(["-c", &format!("primary_conninfo=host=127.0.0.1 port={via} user=cardkey")]);
    let server = folder.serve(&command, port, None);
    up(&server);
    server
}

/// Waits until it answers.
pub(crate) fn up(server: &Server) {
    until_up(|| client(server.port, "postgres", &["-c", "SELECT 1"]));
}

/// Waits until a standby has all that this server has.
pub(crate) fn caught_up(server: &Server) {
    // Fails as long as nobody has: nothing is divided by nothing.
    let nobody = "SELECT 1 / count(*) FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()";
    until_success("the standby has caught up", || client(server.port, "postgres", &["-c", nobody]));
}

/// Waits until nothing is committed without a standby.
pub(crate) fn synchronous(server: &Server) {
    let nobody = "SELECT 1 / count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    until_success("the standby is synchronous", || client(server.port, "postgres", &["-c", nobody]));
}

fn server(folder: &Folder, port: u16, care: Care) -> Command {
    let mut command = folder.command(&program("postgres"));
    command.arg("-D").arg(folder.path.join("data")).args(["-p", &port.to_string()]);
    let sockets = format!("unix_socket_directories={}", folder.path.display());
    let everywhere = ["listen_addresses=127.0.0.1", &sockets, "max_connections=500"];
    for setting in everywhere.iter().chain(settings(care)) {
        command.args(["-c", setting]);
    }
    command
}

/// A client of the database with this URL that writes what it is answered, and no more.
pub(crate) fn session(url: &str) -> Command {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-A", "-t", url]);
    command
}

pub(crate) fn make(server: &Server, name: &str) -> String {
    run(server, &format!("CREATE DATABASE {name};"));
    format!("postgres://cardkey@127.0.0.1:{}/{name}", server.port)
}

pub(crate) fn run(server: &Server, sql: &str) {
    feed(&mut client(server.port, "postgres", &["-v", "ON_ERROR_STOP=1"]), sql);
}

pub(crate) fn query(server: &Server, database: &str, sql: &str) -> String {
    feed(&mut client(server.port, database, &["-v", "ON_ERROR_STOP=1", "-At"]), sql)
}

fn client(port: u16, database: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-h", "127.0.0.1", "-p", &port.to_string(), "-U", "cardkey", "-d", database]);
    command.args(arguments);
    command
}

/// The newest version that is installed; Debian keeps them beside each other, outside the search path.
pub(crate) fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    newest.map_or_else(|| name.into(), |version| format!("/usr/lib/postgresql/{version}/bin/{name}").into())
}
