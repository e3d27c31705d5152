//! Device authorizations: a device polls with its code while a person types the short code in at the device page.

use std::collections::HashMap;

use super::people::PersonId;
use crate::random;

/// Where a device authorization is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Nobody has decided.
    Pending,
    /// This person allowed it.
    Approved(PersonId),
    /// Somebody denied it.
    Denied,
    /// The device has its tokens.
    Spent,
}

/// One device authorization.
#[derive(Clone, Debug)]
pub struct Device {
    /// The app that asked.
    pub app_id: String,
    /// What it asked for.
    pub scopes: Vec<String>,
    /// When it dies (ms).
    pub expires_ms: i64,
    /// How long to wait between two polls (ms); rises when the device polls too fast.
    pub interval_ms: i64,
    /// When it polled last (ms).
    pub polled_ms: Option<i64>,
    /// Where it is.
    pub state: DeviceState,
}

/// All device authorizations.
#[derive(Default)]
pub struct Devices {
    by_code: HashMap<String, Device>,
    by_user_code: HashMap<String, String>,
}

impl Devices {
    /// Every device code that was ever issued.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.by_code.keys().map(String::as_str)
    }

    /// Issues a device code and a user code such as `BCDF-2345`.
    pub fn issue(&mut self, device: Device) -> (String, String) {
        let code = random::url_safe(64);
        let user_code = format!("{}-{}", random::spoken(4), random::spoken(4));
        self.by_user_code.insert(user_code.clone(), code.clone());
        self.by_code.insert(code.clone(), device);
        (code, user_code)
    }

    /// The authorization of this device code, to be changed.
    pub fn by_code_mut(&mut self, code: &str) -> Option<&mut Device> {
        self.by_code.get_mut(code)
    }

    /// The authorization of this device code.
    #[must_use]
    pub fn by_code(&self, code: &str) -> Option<&Device> {
        self.by_code.get(code)
    }

    /// The authorization of this user code, to be changed. Case, spaces and the dash do not matter.
    pub fn by_user_code_mut(&mut self, user_code: &str) -> Option<&mut Device> {
        let code = self.by_user_code.get(&tidy(user_code))?;
        self.by_code.get_mut(code)
    }
}

fn tidy(user_code: &str) -> String {
    let mut text: String = user_code.chars().filter(char::is_ascii_alphanumeric).collect();
    text.make_ascii_uppercase();
    if text.len() > 4 {
        text.insert(4, '-');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn a_user_code_is_read_as_people_type_it() {
        assert_eq!(tidy(" bcdf 2345 "), "BCDF-2345");
        assert_eq!(tidy("BCDF-2345"), "BCDF-2345");
        assert_eq!(tidy("x"), "X");
    }
}
