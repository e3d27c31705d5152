//! chromedriver as a child process on a port of its own, ended by its pid; and its browser, if a test failed and left it.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

const ABSENT: &str = "chromedriver could not be started: scripts/set-up.sh installs it";

/// A chromedriver that runs.
pub(crate) struct Driver {
    child: Child,
    /// Kept open: a driver that cannot write to it would end.
    _output: BufReader<ChildStdout>,
    browser: Option<u64>,
    pub(crate) url: String,
}

impl Driver {
    /// Starts one and waits until it says which port it took.
    pub(crate) fn start() -> Self {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect(ABSENT);
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let port = port(&mut output).expect("chromedriver says its port");
        Self { child, _output: output, browser: None, url: format!("http://127.0.0.1:{port}") }
    }

    /// The process of the browser that runs, if one does.
    pub(crate) fn drives(&mut self, browser: Option<u64>) {
        self.browser = browser;
    }
}

fn port(output: &mut impl BufRead) -> Option<u16> {
    let lines = output.lines().map_while(Result::ok);
    let said =
        lines.filter_map(|line| line.split_once("started successfully on port ").map(|(_, port)| port.to_owned()));
    said.take(1).next()?.trim_end_matches('.').parse().ok()
}

impl Drop for Driver {
    fn drop(&mut self) {
        // At once, so that nothing is written into the profile while it is removed.
        let pids = self.browser.into_iter().chain([self.child.id().into()]).map(|pid| pid.to_string());
        drop(Command::new("kill").arg("-KILL").args(pids).status());
        drop(self.child.wait());
    }
}
