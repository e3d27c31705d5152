//! MariaDB. What tests write need not survive the machine, so it does not wait for the disk; measurements want that it
//! does. Its default collation is left as distributions have it: the schema must not depend on it.

use std::path::Path;
use std::process::Command;

use crate::server::{Care, Folder, Server, feed, finish, free_port, until_up};

/// What the care costs. What does not concern the disk is as much as a small server of its own would be given.
const fn settings(care: Care) -> &'static [&'static str] {
    match care {
        Care::Haste => &[
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=16M",
        ],
        Care::Kept => &[
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=16M",
        ],
        Care::Disk => &["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G"],
    }
}

/// With TLS for whoever asks for it, or without any.
pub(crate) fn start(with_tls: bool, care: Care) -> Server {
    let folder = Folder::new("mysql");
    let data = format!("--datadir={}", folder.path.join("data").display());
    let mut install = folder.command(Path::new("mariadb-install-db"));
    install.args(["--no-defaults", &data, "--auth-root-authentication-method=normal", "--skip-test-db"]);
    // A server that starts deletes what others have there at the moment.
    finish(install.env("TMPDIR", &folder.path));
    let port = free_port();
    let mut command = folder.command(Path::new("/usr/sbin/mariadbd"));
    command.args(["--no-defaults", &data, "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"]);
    command.arg(format!("--tmpdir={}", folder.path.display()));
    command.args([format!("--port={port}"), format!("--socket={}", folder.path.join("socket").display())]);
    command.args(["--max-connections=500", "--performance-schema=OFF"]).args(settings(care));
    let tls = with_tls.then(|| folder.tls());
    match &tls {
        Some(tls) => command.args(
            ["--ssl-cert", "--ssl-key"]
                .iter()
                .zip([&tls.certificate, &tls.key])
                .map(|(option, path)| format!("{option}={}", path.display())),
        ),
        None => command.arg("--skip-ssl"),
    };
    let server = folder.serve(&command, port, tls);
    up(&server);
    server
}

/// Waits until it answers.
pub(crate) fn up(server: &Server) {
    until_up(|| client(server.port, &["-e", "SELECT 1"]));
}

/// A client of the database with this URL that writes what it is answered, and no more.
pub(crate) fn session(url: &str) -> Command {
    let (server, database) = url.rsplit_once('/').unwrap();
    let port = server.rsplit_once(':').unwrap().1.parse().unwrap();
    client(port, &["--unbuffered", "--skip-column-names", "--batch", database])
}

pub(crate) fn make(server: &Server, name: &str) -> String {
    run(server, &format!("CREATE DATABASE {name};"));
    format!("mysql://root@127.0.0.1:{}/{name}", server.port)
}

pub(crate) fn run(server: &Server, sql: &str) {
    feed(&mut client(server.port, &[]), sql);
}

pub(crate) fn query(server: &Server, database: &str, sql: &str) -> String {
    feed(&mut client(server.port, &["-N", "-B", "-D", database]), sql)
}

fn client(port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "-h", "127.0.0.1", "-P", &port.to_string(), "-u", "root"]).args(arguments);
    command
}
