//! What commands say: a line on standard output.

use std::io::Write as _;

use super::StartError;

/// Prints a line.
pub fn print(text: &str) -> Result<(), StartError> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| StartError::Command(format!("standard output: {error}")))
}
