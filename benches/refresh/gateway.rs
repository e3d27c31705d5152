//! The gateway itself, the release binary, as a process of its own.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cardkey_sandbox::{DEFAULT_APP_ID, DEFAULT_APP_SECRET, Sandbox};

use crate::databases::{Home, KEYRING};

/// As `getconf CLK_TCK` says on every Linux.
const TICKS: f64 = 100.0;
const PATIENCE: Duration = Duration::from_mins(2);

/// How one is started, again and again.
pub(crate) struct Recipe {
    config: PathBuf,
    log: PathBuf,
    api: SocketAddr,
}

/// One that runs.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) ready_after: Duration,
}

impl Recipe {
    /// `lines` go into the file's `[refresh]`, `app` into its `[[apps]]`.
    pub(crate) fn new(home: &Home, folder: &Path, sandbox: &Sandbox, lines: &str, app: &str) -> Self {
        let (name, api, origin) = (home.kind.title(), free_address(), sandbox.base_url());
        let url = home.url.split('?').next().unwrap();
        let file = format!(
            "[server]\nlisten = \"{api}\"\npublic_url = \"http://{api}\"\n[metrics]\nport = {metrics}\n\
             [database]\nurl = \"{url}\"\n[vault]\nmaster_key = \"{KEYRING}\"\n[refresh]\n{lines}\n\
             [[apps]]\nplatform = \"feishu\"\napp_id = \"{DEFAULT_APP_ID}\"\napp_secret = \"{DEFAULT_APP_SECRET}\"\n\
             name = \"Benchmark\"\nopen_url = \"{origin}\"\naccounts_url = \"{origin}\"\n{app}\n",
            metrics = free_address().port(),
        );
        let config = folder.join(format!("{name}.toml"));
        std::fs::write(&config, file).unwrap();
        Self { config, log: folder.join(format!("{name}.log")), api }
    }

    /// Starts one and waits until it is ready: its database open, the event stream connected.
    pub(crate) fn start(&self) -> Gateway {
        let log = std::fs::File::options().append(true).create(true).open(&self.log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardkey"));
        command.args(["serve", "--demo", "--config"]).arg(&self.config).env_clear().stdin(Stdio::null());
        command.env("CARDKEY_LOG__LEVEL", "warn").stdout(log.try_clone().unwrap()).stderr(log);
        let begun = Instant::now();
        let mut child = command.spawn().unwrap();
        while !self.is_ready() {
            assert!(child.try_wait().unwrap().is_none(), "it ended: {}", std::fs::read_to_string(&self.log).unwrap());
            assert!(begun.elapsed() < PATIENCE, "not ready: {}", std::fs::read_to_string(&self.log).unwrap());
            std::thread::sleep(Duration::from_millis(2));
        }
        Gateway { child, ready_after: begun.elapsed() }
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.api) else { return false };
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.api);
        let mut answer = String::new();
        let read = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        read.is_ok() && answer.starts_with("HTTP/1.1 200")
    }
}

impl Gateway {
    /// Resident memory in MB (10^6 bytes).
    pub(crate) fn rss_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1_024.0 / 1e6
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(asked.success());
        assert!(self.child.wait().unwrap().success(), "it does not end well");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // After a panic; whoever has ended is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
