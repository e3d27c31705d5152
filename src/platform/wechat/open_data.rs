//! Opens what the person's client was given encrypted for the app: AES-128-CBC with the session key, filled up to whole blocks by
//! PKCS#7, and inside a JSON object with a watermark.
//!
//! Whatever is wrong (the base64, the length, the padding, the JSON, the watermark, the person), the answer is the same
//! [`NotGenuine`]: who could tell a bad padding from bad content would read other people's data bit by bit.

use std::time::Duration;

use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::domain::clock::Timestamp;
use crate::domain::ids::{AppId, SubjectId};
use crate::domain::secret::Secret;
use crate::platform::client::strict_object;
use crate::platform::{NotGenuine, Sealed};

/// How old the data may be: as old as the login code that comes with them.
pub const FRESH: Duration = Duration::from_mins(5);

/// How far the platform's clock may be ahead of ours.
pub const AHEAD: Duration = Duration::from_mins(1);

/// Opens the data; without the watermark, which has been checked.
pub(super) fn open(
    sealed: &Sealed<'_>,
    session: &Secret,
    (app, subject): (&AppId, &SubjectId),
    now: Timestamp,
) -> Result<Map<String, Value>, NotGenuine> {
    let text = decrypt(sealed, session).ok_or(NotGenuine)?;
    let mut object = strict_object(&text).map_err(|_| NotGenuine)?;
    let mark = object.remove("watermark").ok_or(NotGenuine)?;
    let of_app = mark["appid"] == app.as_str();
    let fresh = mark["timestamp"].as_i64().is_some_and(|at| is_fresh(at, now));
    let of_subject = object.get("openId").is_none_or(|id| id == subject.as_str());
    if of_app && fresh && of_subject { Ok(object) } else { Err(NotGenuine) }
}

fn is_fresh(at: i64, now: Timestamp) -> bool {
    let at = Timestamp::from_secs(at);
    now.minus(FRESH) <= at && at <= now.plus(AHEAD)
}

fn decrypt(sealed: &Sealed<'_>, session: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let key = Zeroizing::new(STANDARD.decode(session.expose()).ok()?);
    let iv: [u8; 16] = STANDARD.decode(sealed.iv).ok()?.try_into().ok()?;
    let mut data = Zeroizing::new(STANDARD.decode(sealed.data).ok()?);
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, &key).ok()?).ok()?;
    let length = key.decrypt(&mut data, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?.len();
    data.truncate(length);
    Some(data)
}
