//! How the platform is: what it does with a refresh token that was spent, and how the first refresh fares that gets to it.

use serde_json::{Value, json};

/// What a spent token does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Strict,
    FamilyRevoke,
    GraceSame,
    GraceNew,
}

/// What the first refresh meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    FailsBefore,
    FailsAfter,
    CutAnswer,
    Slow,
}

/// A way to be.
#[derive(Debug)]
pub(super) struct Mode {
    pub(super) name: &'static str,
    rule: Rule,
    pub(super) fault: Option<Fault>,
}

impl Mode {
    const fn new(name: &'static str, rule: Rule, fault: Option<Fault>) -> Self {
        Self { name, rule, fault }
    }

    /// As the sandbox is told.
    pub(super) fn rule(&self) -> Value {
        match self.rule {
            Rule::Strict => json!({ "mode": "strict" }),
            Rule::FamilyRevoke => json!({ "mode": "family_revoke" }),
            Rule::GraceSame => json!({ "mode": "grace_same", "grace_ms": 60_000 }),
            Rule::GraceNew => json!({ "mode": "grace_new", "grace_ms": 60_000 }),
        }
    }

    /// Whether a spent token brings a pair once more.
    pub(super) const fn is_graceful(&self) -> bool {
        matches!(self.rule, Rule::GraceSame | Rule::GraceNew)
    }

    /// Whether a spent token ends all that came of it.
    pub(super) const fn revokes_families(&self) -> bool {
        matches!(self.rule, Rule::FamilyRevoke)
    }

    /// Whether the fault alone loses a pair.
    pub(super) const fn loses(&self) -> bool {
        matches!(self.fault, Some(Fault::FailsAfter | Fault::CutAnswer))
    }

    /// Whether a refresh comes to the point at all: to a refusal only if there is a fault, to a pair only if no fault lost it.
    pub(super) fn comes_to(&self, point: &str) -> bool {
        match point {
            "c6" => self.fault.is_some_and(|fault| fault != Fault::Slow),
            "c7" | "c8" | "c9" | "c10" => !self.loses(),
            _ => true,
        }
    }
}

impl Fault {
    /// As the sandbox is told.
    pub(super) fn action(self) -> Value {
        let status = |act| json!({ "kind": "status", "status": 502, "body": {}, "act": act });
        match self {
            Self::FailsBefore => status(false),
            Self::FailsAfter => status(true),
            Self::CutAnswer => json!({ "kind": "cut_answer", "bytes": 40 }),
            Self::Slow => json!({ "kind": "delay", "ms": 300 }),
        }
    }
}

/// All of them.
pub(super) static MODES: &[Mode] = &[
    Mode::new("strict", Rule::Strict, None),
    Mode::new("family revoked", Rule::FamilyRevoke, None),
    Mode::new("grace, same pair", Rule::GraceSame, None),
    Mode::new("grace, new pair", Rule::GraceNew, None),
    Mode::new("5xx before commit", Rule::Strict, Some(Fault::FailsBefore)),
    Mode::new("5xx after commit", Rule::Strict, Some(Fault::FailsAfter)),
    Mode::new("commit, then cut", Rule::Strict, Some(Fault::CutAnswer)),
    Mode::new("slow", Rule::Strict, Some(Fault::Slow)),
];
