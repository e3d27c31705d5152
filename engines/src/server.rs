//! A server's folder, port and process, whatever it is.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::tls::{self, Tls};

/// Runs the server, stops and starts it as standard input says, ends it and removes its folder when that ends.
const KEEPER: &str = r#"folder=$1; shift
start() {
    "$@" </dev/null >>"$folder/log" 2>&1 &
    server=$!
}
stop() {
    kill -QUIT "$server" 2>/dev/null
    (sleep 10; kill -KILL "$server") >/dev/null 2>&1 &
    killer=$!
    wait "$server" 2>/dev/null
    kill "$killer" 2>/dev/null
}
start "$@"
while read -r order; do
    "$order" "$@"
    echo "$order"
done
stop
rm -rf "$folder""#;

/// A server that runs until this process ends.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it listens, on 127.0.0.1.
    pub(crate) port: u16,
    /// The file with the authority that signed its certificate, if it speaks TLS.
    pub(crate) authority: Option<PathBuf>,
    /// What keeps it running, as long as its standard input is open.
    keeper: Child,
}

impl Server {
    /// Has the keeper do something, and waits until it is done.
    pub(crate) fn order(&mut self, order: &str) {
        writeln!(self.keeper.stdin.as_mut().unwrap(), "{order}").unwrap();
        let mut done = [0; 64];
        let length = self.keeper.stdout.as_mut().unwrap().read(&mut done).unwrap();
        assert_eq!(done[..length].trim_ascii_end(), order.as_bytes());
    }
}

/// A folder that belongs to whoever runs the server.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    user: &'static str,
}

impl Folder {
    /// A new one. `user` is the account that the server's package made; it is used only if we are root.
    pub(crate) fn new(user: &'static str) -> Self {
        let path = tempfile::Builder::new().prefix("cardkey-engine-").tempdir().unwrap().keep();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        let folder = Self { path, user };
        folder.give();
        folder
    }

    /// Makes certificates in it.
    pub(crate) fn tls(&self) -> Tls {
        let made = tls::make(&self.path);
        self.give();
        made
    }

    fn give(&self) {
        if is_root() {
            finish(Command::new("chown").arg("-R").arg(format!("{}:", self.user)).arg(&self.path));
        }
    }

    /// A command that runs as the folder's owner.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", self.user, "--regid", self.user, "--clear-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.path);
        command
    }

    /// Starts the server.
    pub(crate) fn serve(self, command: &Command, port: u16, tls: Option<Tls>) -> Server {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&self.path).arg(command.get_program()).args(command.get_args());
        // A group of its own: an interrupt from the keyboard must not end the keeper before its work is done.
        std::os::unix::process::CommandExt::process_group(&mut keeper, 0);
        let keeper = keeper.current_dir(&self.path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Server { port, authority: tls.map(|tls| tls.authority), keeper }
    }
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Runs a command to its good end.
pub(crate) fn finish(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {} {said}", output.status);
}

/// Runs a client with this SQL on its standard input; what it writes.
pub(crate) fn feed(command: &mut Command, sql: &str) -> String {
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    client.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
    let output = client.wait_with_output().unwrap();
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Waits until the command succeeds: the server is up.
pub(crate) fn until_up(server: &Server, mut probe: impl FnMut() -> Command) {
    for _ in 0..600 {
        let mut probe = probe();
        if probe.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the server does not come up on port {}", server.port);
}
