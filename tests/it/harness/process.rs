//! The real binary as a child: started with a configuration file, killed, told to stop, run for one command.
//!
//! What it writes to standard error goes line by line into a file of the world's directory, where the leak scan reads
//! it, and can be waited for. A child is ended by its own id when it is dropped.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use super::setup::{APP, SCOPES};
use super::world::World;

/// Nothing that a child is waited for takes longer, on any machine that runs tests.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the child has logged so far, and whether its standard error is still open.
#[derive(Default)]
struct Logged {
    lines: Vec<String>,
    ended: bool,
}

/// A running gateway of its own process.
pub(crate) struct Process {
    child: Child,
    logged: watch::Receiver<Logged>,
    copy: Option<JoinHandle<()>>,
}

impl World {
    /// A sandbox, no gateway, but its configuration file and an API key made by the command line.
    pub(crate) async fn with_binary(setup: super::Setup) -> Self {
        let mut world = Self::without_gateway(setup).await;
        world.write_config();
        let arguments = ["keys", "create", "--name", "reports", "--app", APP, "--scopes", SCOPES];
        let made = world.run(&arguments).await;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().clone_into(&mut world.key);
        world
    }

    /// Where [`World::write_config`] writes.
    pub(crate) fn config_path(&self) -> PathBuf {
        // Not in the scanned directory itself: it holds the secrets by design.
        let directory = self.directory.path().join("config");
        std::fs::create_dir_all(&directory).unwrap();
        directory.join("cardkey.toml")
    }

    /// Writes the configuration of this world's gateway into a file.
    pub(crate) fn write_config(&self) {
        self.write_config_for(&self.sandbox.base_url());
    }

    /// The same, with the platform at this address.
    pub(crate) fn write_config_for(&self, platform: &str) {
        let file = self.setup.file(self.ip, platform, &self.database);
        std::fs::write(self.config_path(), file).unwrap();
    }

    /// The binary with a bare environment, this world's variables and these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardkey"));
        command.args(arguments).env_clear().current_dir(self.directory.path()).stdin(Stdio::null());
        command.env("CARDKEY_LOG__LEVEL", "debug,cardkey=trace").envs(&self.setup.environment);
        command
    }

    /// Runs a command with this world's configuration to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let config = self.config_path();
        let mut all = arguments.to_vec();
        all.extend(["--demo", "--config", config.to_str().unwrap()]);
        self.finish(self.command(&all)).await
    }

    /// Runs a command to its end; what it says on standard error is looked through for secrets at the world's end.
    pub(crate) async fn finish(&self, command: Command) -> Output {
        let output = finish(command).await;
        self.seen.lock().unwrap().push(String::from_utf8_lossy(&output.stderr).into_owned());
        output
    }

    /// Starts the gateway as a process of its own and waits until it answers and its two links are up.
    pub(crate) async fn start_process(&self) -> Process {
        let before = self.links_opened();
        let process = self.spawn_process(&["--demo"]);
        process.logs("cardkey is up").await;
        self.links(before + 2).await;
        process
    }

    /// Starts one more gateway on the same database: another node, at an address and with a spool of its own. From now on it
    /// is the one that is talked to.
    #[cfg(feature = "failpoints")]
    pub(crate) async fn start_another_process(&mut self) -> Process {
        self.ip = super::addresses::fresh();
        self.setup.environment.insert("CARDKEY_REFRESH__SPOOL".to_owned(), "spool-of-another".to_owned());
        self.write_config();
        self.start_process().await
    }

    /// Starts the gateway as a process of its own.
    pub(crate) fn spawn_process(&self, more: &[&str]) -> Process {
        let config = self.config_path();
        let mut command = self.command(&["serve", "--config", config.to_str().unwrap()]);
        command.args(more);
        self.spawn(command)
    }

    /// Starts a process; what it says on standard error is kept.
    pub(crate) fn spawn(&self, mut command: Command) -> Process {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let file = self.directory.path().join(format!("gateway-{}.log", child.id()));
        let (sender, logged) = watch::channel(Logged::default());
        let pipe = child.stderr.take().unwrap();
        let copy = std::thread::spawn(move || copy(pipe, &File::create(file).unwrap(), &sender));
        Process { child, logged, copy: Some(copy) }
    }
}

/// Runs a command to its end.
pub(crate) async fn finish(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn copy(pipe: ChildStderr, mut file: &File, logged: &watch::Sender<Logged>) {
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        file.write_all(&line).and_then(|()| file.write_all(b"\n")).unwrap();
        logged.send_modify(|logged| logged.lines.push(String::from_utf8_lossy(&line).into_owned()));
    }
    logged.send_modify(|logged| logged.ended = true);
}

impl Process {
    /// Waits until a line with this text was logged.
    pub(crate) async fn logs(&self, text: &str) -> String {
        let mut logged = self.logged.clone();
        let found = |logged: &Logged| logged.ended || logged.lines.iter().any(|line| line.contains(text));
        let seen = tokio::time::timeout(PATIENCE, logged.wait_for(found)).await;
        let line = seen.ok().and_then(Result::ok).and_then(|logged| {
            let line = logged.lines.iter().find(|line| line.contains(text));
            line.cloned()
        });
        line.unwrap_or_else(|| panic!("{text:?} was not logged; the last lines:\n{}", self.last_lines()))
    }

    /// Waits until so many lines with this text were logged.
    pub(crate) async fn logs_times(&self, text: &str, times: usize) {
        let mut logged = self.logged.clone();
        let enough = |logged: &Logged| logged.lines.iter().filter(|line| line.contains(text)).count() >= times;
        let seen = tokio::time::timeout(PATIENCE, logged.wait_for(enough)).await;
        let seen = seen.is_ok_and(|seen| seen.is_ok());
        assert!(seen, "{text:?} was not logged {times} times; the last lines:\n{}", self.last_lines());
    }

    /// How many lines with this text were logged.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(text)).count()
    }

    /// Everything logged so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.logged.borrow().lines.clone()
    }

    fn last_lines(&self) -> String {
        let lines = self.lines();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Waits until the gateway answers; false if it ended instead.
    pub(crate) async fn is_up(&self) -> bool {
        let up = |logged: &Logged| logged.lines.iter().any(|line| line.contains("cardkey is up"));
        let mut logged = self.logged.clone();
        let seen = tokio::time::timeout(PATIENCE, logged.wait_for(|logged| logged.ended || up(logged))).await;
        seen.is_ok_and(|seen| seen.is_ok_and(|logged| up(&logged)))
    }

    /// SIGSTOP, and until it stands still.
    #[cfg(feature = "failpoints")]
    pub(crate) async fn stop_still(&self) {
        self.signal("STOP");
        self.stopped().await;
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it stands still: SIGSTOP has arrived.
    #[cfg(feature = "failpoints")]
    pub(crate) async fn stopped(&self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.stands_still() {
            assert!(tokio::time::Instant::now() < deadline, "it does not stop; its last lines:\n{}", self.last_lines());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[cfg(feature = "failpoints")]
    fn stands_still(&self) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    /// SIGKILL: nothing in the process can notice.
    pub(crate) async fn kill(mut self) {
        self.child.kill().unwrap();
        self.ended().await;
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// The signal of this name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", "kill -$0 $1", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// SIGTERM, and its exit.
    pub(crate) async fn stop(mut self) {
        self.terminate();
        let status = self.ended().await;
        assert_eq!(status.code(), Some(0), "{}", self.last_lines());
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut logged = self.logged.clone();
        let over = tokio::time::timeout(PATIENCE, logged.wait_for(|logged| logged.ended)).await;
        assert!(over.is_ok_and(|over| over.is_ok()), "it does not end; the last lines:\n{}", self.last_lines());
        if let Some(copy) = self.copy.take() {
            copy.join().unwrap();
        }
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
