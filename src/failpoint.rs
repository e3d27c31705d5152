//! Places at which a test lets the process die, as if by `kill -9`: nothing is flushed, nothing is dropped, nothing runs.
//!
//! Only with the cargo feature `failpoints`, which a release build refuses; without it a place is nothing at all. Which place
//! kills is set for the whole process by whoever reads the environment (`main`), once. The names are the crash points of the
//! refresh protocol.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("the feature `failpoints` is for tests: a release build must not be able to kill itself");

#[cfg(feature = "failpoints")]
static ARMED: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Arms the place of this name.
#[cfg(feature = "failpoints")]
pub fn arm(name: String) {
    tracing::warn!(name, "a fail point is armed");
    drop(ARMED.set(name));
}

/// Dies here, if this place is armed.
pub fn reach(name: &'static str) {
    #[cfg(feature = "failpoints")]
    if ARMED.get().is_some_and(|armed| armed == name) {
        let me = rustix::process::getpid();
        // Whether it is sent or not, nothing more may be done.
        let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}
