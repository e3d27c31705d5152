//! Places at which a test lets the process die, as if by `kill -9`: nothing is flushed, nothing is dropped, nothing runs. Or
//! lets it stop, once, so that another may come before it dies or goes on.
//!
//! Only with the cargo feature `failpoints`, which a release build refuses; without it a place is nothing at all. Which place
//! kills is set for the whole process by whoever reads the environment (`main`), once: its name, or `stop:` and its name. The
//! names are the crash points of the refresh protocol.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("the feature `failpoints` is for tests: a release build must not be able to kill itself");

/// The place, and whether the process stops there instead of dying.
#[cfg(feature = "failpoints")]
static ARMED: std::sync::OnceLock<(String, bool)> = std::sync::OnceLock::new();

#[cfg(feature = "failpoints")]
static STOPPED: std::sync::Once = std::sync::Once::new();

/// Arms the place of this name.
#[cfg(feature = "failpoints")]
pub fn arm(name: &str) {
    tracing::warn!(name, "a fail point is armed");
    let (name, stops) = name.strip_prefix("stop:").map_or((name, false), |name| (name, true));
    drop(ARMED.set((name.to_owned(), stops)));
}

/// Dies here, or stops here, if this place is armed.
pub fn reach(name: &'static str) {
    #[cfg(feature = "failpoints")]
    match ARMED.get() {
        Some((armed, false)) if armed == name => die(),
        Some((armed, true)) if armed == name => STOPPED.call_once(stop),
        _ => {}
    }
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}

#[cfg(feature = "failpoints")]
fn die() -> ! {
    // Whether it is sent or not, nothing more may be done.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    loop {
        std::thread::park();
    }
}

#[cfg(feature = "failpoints")]
fn stop() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    while stop_is_pending() {
        std::thread::yield_now();
    }
}

/// Whether no thread has taken the signal yet. As soon as one has, the kernel lets none go on.
#[cfg(feature = "failpoints")]
fn stop_is_pending() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    let pending = pending.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    pending >> (rustix::process::Signal::STOP.as_raw() - 1) & 1 == 1
}
