//! What the process owes the secrets in its memory (S10): it leaves no core dump, and no other process of its user may read
//! it. There is no setting to allow either: whoever may debug it as root still may.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Before any secret is read.
pub(super) fn close() -> rustix::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}
