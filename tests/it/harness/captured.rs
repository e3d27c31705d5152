//! What this process logs, kept so that it can be searched.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static STARTED: Once = Once::new();

/// Writes into the one buffer.
#[derive(Clone, Copy)]
struct Buffer;

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Buffer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

/// Starts to keep the log: ours in full, of the libraries what an operator would see at `debug`.
pub(crate) fn start() {
    STARTED.call_once(|| {
        let filter = EnvFilter::new("debug,cardkey=trace,cardkey_sandbox=off");
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Buffer);
        subscriber.init();
    });
}

/// Everything logged so far, by all tests of this process.
pub(crate) fn logs() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// How many lines hold both texts.
pub(crate) fn count_lines(one: &str, other: &str) -> usize {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&log).lines().filter(|line| line.contains(one) && line.contains(other)).count()
}
