//! A person whom a platform has just vouched for. What a login is built on: whoever holds one need not ask again who it is.

use serde_json::{Map, Value};

use crate::domain::ids::{PlatformId, Subject, UnionId};
use crate::domain::secret::Secret;

/// Who a person is, by the platform's word.
#[derive(Debug, Clone)]
pub struct VerifiedIdentity {
    /// The platform that says so.
    pub platform: PlatformId,
    /// The person, as the app sees them.
    pub subject: Subject,
    /// The person over all apps of the app's owner, if the owner has joined them at the platform.
    pub union: Option<UnionId>,
    /// What the person's client could read, proven to come from the platform. Words of the person's own, no identity.
    pub profile: Option<Map<String, Value>>,
    /// What the person's client was given encrypted for the app, opened.
    pub open_data: Option<Map<String, Value>>,
    /// The person's phone number, if they let the app have it.
    pub phone: Option<PhoneNumber>,
}

/// A phone number that the platform knows to be the person's.
#[derive(Debug, Clone)]
pub struct PhoneNumber {
    /// The whole number.
    pub number: Secret,
    /// The number inside its country.
    pub national: Secret,
    /// The country's calling code, such as `86`.
    pub country_code: String,
}
