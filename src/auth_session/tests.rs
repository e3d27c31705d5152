//! The use case over a real store and a platform that does what the test says.

mod asking;
mod elsewhere;
pub(super) mod rig;
mod sending;
