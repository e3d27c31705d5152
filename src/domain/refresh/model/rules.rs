//! What the world of the model is made of: the platform's habits, the rules, the row, and one refresh.

use super::*;

/// How the platform treats a refresh token that comes a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is denied.
    Strict,
    /// It is denied, and everything that came of it dies.
    FamilyRevoke,
    /// It brings the same pair again.
    GraceSame,
    /// It brings another pair, and the one before dies.
    GraceNew,
}

/// The rules of the world; the flags are false or true as in the product, or not: mutants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) mode: Mode,
    pub(super) timers: Timers,
    /// How long a claim keeps others away, in seconds, whatever the machine believes.
    pub(super) lease: u64,
    /// A claim is written before it is won.
    pub(super) claims: bool,
    /// A save asks whether the claim is still one's own.
    pub(super) saves_by_fence: bool,
    /// A denial is noted whatever the row holds by then.
    pub(super) denies_any_generation: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) consent: u8,
    pub(super) generation: u8,
    pub(super) token: u8,
    pub(super) dead: bool,
    /// The end of a lease or pause.
    pub(super) until: Option<u64>,
    pub(super) is_intent: bool,
    pub(super) fence: u8,
    pub(super) tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Net {
    Quiet,
    Sent { at: u64 },
    Answered { at: u64, answer: Answer, pair: Option<u8> },
}

/// One refresh of one replica.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) machine: Refresh,
    pub(super) todo: Effect,
    pub(super) consent: u8,
    pub(super) generation: u8,
    pub(super) token: u8,
    pub(super) fence: u8,
    pub(super) claimed: bool,
    pub(super) net: Net,
    pub(super) pair: Option<u8>,
    /// It stood still while there was something for it to do.
    pub(super) paused: bool,
}
