//! The WebSocket upgrade: a ticket is redeemed or the platform's refusal is answered.

use tokio_tungstenite::tungstenite::handshake::server::Request;

use super::{
    config::{NO_CREDENTIAL, TOO_MANY_CONNECTIONS},
    hub::Hub,
    ticket,
    trouble::RefuseHandshake,
};

/// The device id of the request's ticket, which is then used up.
pub(super) fn admit(hub: &Hub, connection: u64, request: &Request) -> Result<String, RefuseHandshake> {
    if request.uri().path() != ticket::PATH {
        return Err(RefuseHandshake { status: 404, headers: std::collections::BTreeMap::new(), times: None });
    }
    hub.admit(connection, request.uri().query().unwrap_or_default())
}

/// The platform's way to refuse: a status of its own in a header, and the error that explains it.
fn platform_refusal(message: &str, error: i64) -> RefuseHandshake {
    let headers = [
        ("Handshake-Status", "514".to_owned()),
        ("Handshake-Msg", message.to_owned()),
        ("Handshake-Autherrcode", error.to_string()),
    ];
    RefuseHandshake { status: 400, headers: headers.map(|(k, v)| (k.to_owned(), v)).into(), times: None }
}

/// All connections of the app are in use.
pub(super) fn too_many_connections() -> RefuseHandshake {
    platform_refusal("exceed connection limit", TOO_MANY_CONNECTIONS)
}

/// The ticket is unknown or was used before.
pub(super) fn bad_ticket() -> RefuseHandshake {
    platform_refusal("invalid ticket", NO_CREDENTIAL)
}
