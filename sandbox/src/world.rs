//! What the simulated platform knows: people, apps, messages, codes, tokens, device codes.
//!
//! One lock around all of it, held for the length of a function call and never across an await: an operation such as "check
//! the code, spend it, write the tokens" is then one step for every observer. A version counter rises with each change of a
//! message, so that chat pages can wait for news.

pub mod apps;
pub mod devices;
pub mod grants;
pub mod messages;
pub mod people;
pub mod refresh_log;
pub mod tokens;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use self::apps::Apps;
use self::devices::Devices;
use self::grants::Grants;
use self::messages::Messages;
use self::people::People;
use self::tokens::Tokens;

/// Everything behind the lock.
#[derive(Default)]
pub struct State {
    /// Who exists.
    pub people: People,
    /// Which apps exist.
    pub apps: Apps,
    /// The messages that bots sent.
    pub messages: Messages,
    /// Authorization codes and what people consented to.
    pub grants: Grants,
    /// Access and refresh tokens.
    pub tokens: Tokens,
    /// Device authorizations.
    pub devices: Devices,
}

/// The lock and the news of messages.
pub struct World {
    state: Mutex<State>,
    version: watch::Sender<u64>,
}

impl World {
    /// A world with these people and apps.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self { state: Mutex::new(state), version: watch::Sender::new(0) }
    }

    /// The state, for the length of the caller's step. Never hold it across an await.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the waiting chat pages that messages are now at `version`.
    pub fn announce(&self, version: u64) {
        self.version.send_if_modified(|current| {
            let newer = version > *current;
            *current = version.max(*current);
            newer
        });
    }

    /// A receiver of the message version.
    #[must_use]
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}
