//! What the client holds may have been made before the login, with the key before: that one is tried, too, and none else.

use serde_json::{Map, Value};

use crate::domain::secret::Secret;
use crate::platform::NotGenuine;
use crate::store::SessionKeys;

/// Tries the key there is, then the one before.
pub(super) fn by_either(
    keys: &SessionKeys,
    attempt: impl Fn(&Secret) -> Result<Map<String, Value>, NotGenuine>,
) -> Result<Map<String, Value>, NotGenuine> {
    attempt(&keys.current).or_else(|error| keys.former.as_ref().map_or(Err(error), attempt))
}
