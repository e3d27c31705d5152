//! The protobuf frame of the long connection (package `pbbp2`, proto2).
//!
//! Fields 1 to 4 are required: they are written even when 0, and a frame that lacks one is refused, as
//! strict protobuf libraries do.

use bytes::Bytes;
use prost::Message as _;

use super::wire_format::Fields;

/// `Frame.method` of pings and pongs.
pub const METHOD_CONTROL: i32 = 0;
/// `Frame.method` of events, callbacks and acknowledgements.
pub const METHOD_DATA: i32 = 1;

/// One key and value of a frame.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Header {
    /// For example `type` or `message_id`.
    #[prost(string, required, tag = "1")]
    pub key: String,
    /// Always text, also for numbers.
    #[prost(string, required, tag = "2")]
    pub value: String,
}

/// One message of the long connection.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Frame {
    /// 0 in client pings; echoed in acknowledgements.
    #[prost(uint64, required, tag = "1")]
    pub seq_id: u64,
    /// Number in the platform's log; echoed.
    #[prost(uint64, required, tag = "2")]
    pub log_id: u64,
    /// The ticket URL's `service_id`.
    #[prost(int32, required, tag = "3")]
    pub service: i32,
    /// [`METHOD_CONTROL`] or [`METHOD_DATA`].
    #[prost(int32, required, tag = "4")]
    pub method: i32,
    /// In order; keys may repeat.
    #[prost(message, repeated, tag = "5")]
    pub headers: Vec<Header>,
    /// `json` here; no client reads it.
    #[prost(string, optional, tag = "6")]
    pub payload_encoding: Option<String>,
    /// `json` here; no client reads it.
    #[prost(string, optional, tag = "7")]
    pub payload_type: Option<String>,
    /// JSON in UTF-8, or a part of it.
    #[prost(bytes = "bytes", optional, tag = "8")]
    pub payload: Option<Bytes>,
    /// The newer log id; echoed.
    #[prost(string, optional, tag = "9")]
    pub log_id_new: Option<String>,
}

/// Bytes that are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not protobuf, or of other types.
    #[error("not a frame: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// A required field, named by its number, is absent.
    #[error("required field {0} is missing")]
    Missing(u64),
}

impl Frame {
    /// Reads a frame, insisting on the required fields.
    pub fn parse(bytes: &Bytes) -> Result<Self, FrameError> {
        let frame = Self::decode(bytes.clone())?;
        for required in 1..=4 {
            if !Fields::of(bytes).any(|f| matches!(f, Ok((n, _)) if n == required)) {
                return Err(FrameError::Missing(required));
            }
        }
        Ok(frame)
    }

    /// The frame's bytes, in the order of the field numbers.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from(self.encode_to_vec())
    }

    /// The first header of that name.
    #[must_use]
    pub fn header(&self, key: &str) -> Option<&str> {
        let found = self.headers.iter().find(|h| h.key == key)?;
        Some(&found.value)
    }

    /// Appends a header.
    pub fn push_header(&mut self, key: &str, value: impl Into<String>) {
        self.headers.push(Header { key: key.to_owned(), value: value.into() });
    }

    /// The answer to a client's ping, carrying the client configuration as JSON.
    #[must_use]
    pub fn pong(service: i32, client_config: Vec<u8>) -> Self {
        let mut pong = Self { service, method: METHOD_CONTROL, payload: Some(client_config.into()), ..Self::default() };
        pong.push_header("type", "pong");
        pong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: &str = "0800100018f681801020002a0c0a0474797065120470696e67";

    fn bytes(hex_digits: &str) -> Bytes {
        hex::decode(hex_digits).unwrap().into()
    }

    #[test]
    fn ping_of_the_official_clients() {
        let ping = Frame::parse(&bytes(PING)).unwrap();
        assert_eq!(ping.service, 33_554_678);
        assert_eq!(ping.header("type"), Some("ping"));
        assert_eq!(hex::encode(ping.to_bytes()), PING);
    }

    #[test]
    fn required_fields_are_required() {
        let without_method = bytes("0800100018f68180102a0c0a0474797065120470696e67");
        assert_eq!(Frame::parse(&without_method), Err(FrameError::Missing(4)));
        assert!(matches!(Frame::parse(&bytes("0800100018f6")), Err(FrameError::Malformed(_))));
    }
}
