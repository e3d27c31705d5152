//! The binary frame of the long connection (proto2 package `pbbp2`).
//!
//! [`Frame`] is the schema: it writes our own frames and reads the odd ones. What the platform sends is read by
//! [`canonical`], several times faster. Every field is kept as it came, so that an ack can echo it. The fields 1 to 4 are `required` in the platform's schema and are written even when they are zero;
//! some peers refuse a frame that lacks them. Knows the layout only; what a header means is `codec.rs`'s affair.

pub mod canonical;

use std::fmt;

use bytes::Bytes;

/// The `method` of a frame that steers the connection.
pub const CONTROL: i32 = 0;
/// The `method` of a frame that carries an event.
pub const DATA: i32 = 1;

/// One frame.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Frame {
    /// Sequence number; echoed.
    #[prost(uint64, required, tag = "1")]
    pub seq_id: u64,
    /// The platform's log id; echoed.
    #[prost(uint64, required, tag = "2")]
    pub log_id: u64,
    /// The service id of the address that the connection was opened with.
    #[prost(int32, required, tag = "3")]
    pub service: i32,
    /// [`CONTROL`] or [`DATA`].
    #[prost(int32, required, tag = "4")]
    pub method: i32,
    /// Named values, in order.
    #[prost(message, repeated, tag = "5")]
    pub headers: Vec<Header>,
    /// Echoed.
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub payload_encoding: Option<Bytes>,
    /// Echoed.
    #[prost(bytes = "bytes", optional, tag = "7")]
    pub payload_type: Option<Bytes>,
    /// JSON.
    #[prost(bytes = "bytes", optional, tag = "8")]
    pub payload: Option<Bytes>,
    /// The platform's newer log id; echoed.
    #[prost(bytes = "bytes", optional, tag = "9")]
    pub log_id_new: Option<Bytes>,
}

/// One named value of a frame.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Header {
    /// Its name.
    #[prost(bytes = "bytes", required, tag = "1")]
    pub key: Bytes,
    /// Its value.
    #[prost(bytes = "bytes", required, tag = "2")]
    pub value: Bytes,
}

impl Header {
    /// A header with a constant name.
    #[must_use]
    pub fn new(key: &'static str, value: impl Into<Bytes>) -> Self {
        Self { key: Bytes::from_static(key.as_bytes()), value: value.into() }
    }
}

impl Frame {
    /// The heartbeat that a client sends.
    #[must_use]
    pub fn ping(service: i32) -> Self {
        Self { service, method: CONTROL, headers: vec![Header::new("type", "ping")], ..Self::default() }
    }
}

// The payload can hold an authorization code: it is not shown.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("method", &self.method)
            .field("headers", &self.headers.len())
            .field("payload_bytes", &self.payload.as_ref().map_or(0, Bytes::len))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn writes_required_fields_even_when_zero() {
        let ping = Frame::ping(33_554_678).encode_to_vec();
        assert_eq!(hex::encode(ping), "0800100018f681801020002a0c0a0474797065120470696e67");
    }

    #[test]
    fn debug_shows_no_payload() {
        let frame = Frame { payload: Some(Bytes::from_static(b"CANARY")), ..Frame::ping(1) };
        assert!(!format!("{frame:?}").contains("CANARY"));
    }
}
