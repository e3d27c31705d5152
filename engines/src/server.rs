//! A server's folder, port and process, whatever it is.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::tls::{self, Tls};

/// Runs the server, and ends it and removes its folder when standard input ends. Until then a line of it is the name of a
/// signal that ends the server, or `start`.
const KEEPER: &str = r#"folder=$1; shift
start() { "$@" </dev/null >>"$folder/log" 2>&1 & server=$!; }
start "$@"
while read -r order; do
    if [ "$order" = start ]; then
        start "$@"
    else
        kill -"$order" "$server"
        wait "$server" 2>/dev/null
        server=
    fi
    : >"$folder/obeyed"
done
if [ -n "$server" ]; then
    kill -QUIT "$server" 2>/dev/null
    (sleep 10; kill -KILL "$server") >/dev/null 2>&1 &
    wait "$server" 2>/dev/null
    kill "$!" 2>/dev/null
fi
rm -rf "$folder""#;

/// How much care a server takes of what is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// None: what it writes need not survive anything.
    Haste,
    /// It survives the server's own death, but not the machine's.
    Kept,
    /// It is on the disk, as in production; and there is memory as a small server would be given.
    Disk,
}

/// A server that runs until this process ends.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it listens, on 127.0.0.1.
    pub(crate) port: u16,
    /// The file with the authority that signed its certificate, if it speaks TLS.
    pub(crate) authority: Option<PathBuf>,
    folder: PathBuf,
    /// What keeps it running, as long as its standard input is open.
    keeper: Child,
}

impl Server {
    /// Ends it by this signal.
    pub(crate) fn end(&mut self, signal: &str) {
        self.order(signal);
    }

    /// Starts it again; whether it is up already is another question.
    pub(crate) fn start(&mut self) {
        self.order("start");
    }

    fn order(&mut self, order: &str) {
        let obeyed = self.folder.join("obeyed");
        drop(std::fs::remove_file(&obeyed));
        writeln!(self.keeper.stdin.as_mut().unwrap(), "{order}").unwrap();
        until("the server obeys", || obeyed.exists());
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
        let keeper = keeper.current_dir(&self.path).stdin(Stdio::piped()).spawn().unwrap();
        Server { port, authority: tls.map(|tls| tls.authority), folder: self.path, keeper }
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
pub(crate) fn until_up(probe: impl FnMut() -> Command) {
    until_success("the server is up", probe);
}

/// Waits until the command succeeds.
pub(crate) fn until_success(what: &str, mut probe: impl FnMut() -> Command) {
    until(what, || probe().stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{what}: it does not come to hold within a minute");
}
