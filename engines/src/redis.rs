//! Redis: one server for each that asks, since what is tested is its death. It keeps nothing on the disk.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::server::{Folder, Server, finish, free_port, until_up};

/// A canary: it must be found nowhere.
const PASSWORD: &str = "redis-CANARY-password";

/// A server on a port of its own.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    with_tls: bool,
    process: String,
    server: Option<Server>,
}

impl Redis {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        Self::new(false)
    }

    /// Starts one that speaks TLS and nothing else.
    #[must_use]
    pub fn start_with_tls() -> Self {
        Self::new(true)
    }

    fn new(with_tls: bool) -> Self {
        let mut redis = Self { port: free_port(), with_tls, process: String::new(), server: None };
        redis.restart();
        redis
    }

    /// Where it is, with its password.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.with_tls { "rediss" } else { "redis" };
        format!("{scheme}://:{PASSWORD}@{}", self.address())
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The file with the authority that signed its certificate.
    #[must_use]
    pub fn authority(&self) -> Option<PathBuf> {
        self.server.as_ref()?.authority.clone()
    }

    /// Ends it without a warning.
    pub fn kill(&mut self) {
        self.signal("-KILL");
        self.server = None;
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts it again, at the same place.
    pub fn restart(&mut self) {
        self.server = Some(serve(self.port, self.with_tls));
        self.process = process_of(&self.run(&["INFO", "server"]));
    }

    /// Its connections stay, and nothing comes of them: as if the network were cut.
    pub fn cut_off(&self) {
        self.signal("-STOP");
    }

    /// The network is back.
    pub fn reconnect(&self) {
        self.signal("-CONT");
    }

    /// Runs a command on it; its answer.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> String {
        answer(client(self.port, self.with_tls).args(arguments))
    }

    fn signal(&self, signal: &str) {
        finish(Command::new("kill").args([signal, &self.process]));
    }
}

fn serve(port: u16, with_tls: bool) -> Server {
    let folder = Folder::new("redis");
    let mut command = folder.command(Path::new("redis-server"));
    command.args(["--bind", "127.0.0.1", if with_tls { "--tls-port" } else { "--port" }, &port.to_string()]);
    command.args(["--requirepass", PASSWORD, "--save", "", "--appendonly", "no", "--dir"]).arg(&folder.path);
    let tls = with_tls.then(|| folder.tls());
    if let Some(tls) = &tls {
        command.args(["--port", "0", "--tls-auth-clients", "no", "--tls-ca-cert-file"]).arg(&tls.authority);
        command.arg("--tls-cert-file").arg(&tls.certificate).arg("--tls-key-file").arg(&tls.key);
    }
    let server = folder.serve(&command, port, tls);
    until_up(|| {
        let mut probe = client(port, with_tls);
        probe.args(["-e", "PING"]);
        probe
    });
    server
}

/// The id of the process, from what the server tells of itself.
fn process_of(info: &str) -> String {
    info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().trim().to_owned()
}

fn answer(client: &mut Command) -> String {
    let output = client.output().unwrap();
    assert!(output.status.success(), "{client:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn client(port: u16, with_tls: bool) -> Command {
    let mut command = Command::new("redis-cli");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "--no-auth-warning", "-a", PASSWORD]);
    if with_tls {
        command.args(["--tls", "--insecure"]);
    }
    command
}
