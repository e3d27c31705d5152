//! Bytes and messages that are put on a connection exactly as asked, well-formed or not.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// Bytes that are written as hex digits in JSON.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HexBytes(pub Bytes);

impl fmt::Debug for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HexBytes({})", hex::encode(&self.0))
    }
}

impl<T: Into<Bytes>> From<T> for HexBytes {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let bytes = hex::decode(&digits).map_err(D::Error::custom)?;
        Ok(Self(bytes.into()))
    }
}

/// One thing to put on a connection verbatim. In JSON: `{"kind":"binary","hex":"08…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Raw {
    /// A binary WebSocket message with these bytes, which need not be a frame.
    Binary {
        /// The message.
        hex: HexBytes,
    },
    /// A text message, which no correct server sends.
    Text {
        /// The message.
        text: String,
    },
    /// Bytes below WebSocket, inside TLS where there is TLS. Violations of WebSocket are made with this.
    Tcp {
        /// The bytes.
        hex: HexBytes,
    },
    /// A close frame; the connection ends after the client's answer.
    Close {
        /// The close code, not checked.
        code: u16,
        /// The reason, at most 123 bytes.
        #[serde(default)]
        reason: String,
    },
    /// The end of the TCP connection without a word.
    Hangup {
        /// Reset instead of an orderly end.
        #[serde(default)]
        reset: bool,
    },
}

/// What a connection's task writes, in order.
#[derive(Clone, Debug)]
pub(crate) enum Wire {
    /// Through the WebSocket layer.
    Message(Message),
    /// Past the WebSocket layer.
    Tcp(Bytes),
    /// Ends the connection.
    Hangup {
        /// Reset instead of an orderly end.
        reset: bool,
    },
}

impl Wire {
    /// A close frame.
    pub(crate) fn close(code: u16, reason: &str) -> Self {
        Self::Message(Message::Close(Some(CloseFrame { code: CloseCode::from(code), reason: reason.into() })))
    }
}

impl From<Raw> for Wire {
    fn from(raw: Raw) -> Self {
        match raw {
            Raw::Binary { hex } => Self::Message(Message::Binary(hex.0)),
            Raw::Text { text } => Self::Message(Message::text(text)),
            Raw::Tcp { hex } => Self::Tcp(hex.0),
            Raw::Close { code, reason } => Self::close(code, &reason),
            Raw::Hangup { reset } => Self::Hangup { reset },
        }
    }
}

/// A binary message as a server writes it: one unmasked WebSocket frame.
pub(crate) fn websocket_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x82];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..=125), _) => frame.push(short),
        (_, Ok(medium)) => {
            frame.push(126);
            frame.extend(medium.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_form() {
        let json = r#"{"kind":"tcp","hex":"82ff"}"#;
        let raw: Raw = serde_json::from_str(json).unwrap();
        assert_eq!(raw, Raw::Tcp { hex: vec![0x82, 0xff].into() });
        assert_eq!(serde_json::to_string(&raw).unwrap(), json);
        assert!(serde_json::from_str::<Raw>(r#"{"kind":"tcp","hex":"8"}"#).is_err());
    }

    #[test]
    fn frame_lengths() {
        assert_eq!(websocket_frame(&[1, 2]), [0x82, 2, 1, 2]);
        assert_eq!(websocket_frame(&[0; 126])[..4], [0x82, 126, 0, 126]);
        assert_eq!(websocket_frame(&vec![0; 65_536])[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
