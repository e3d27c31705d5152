//! The WebSocket upgrade: a ticket is redeemed or the platform's refusal is answered.

use http::{HeaderName, HeaderValue, StatusCode};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::handshake::server::{ErrorResponse, Request, Response},
};

use super::{
    config::{NO_CREDENTIAL, TOO_MANY_CONNECTIONS},
    faults::RefuseHandshake,
    hub::Hub,
    socket::Socket,
    ticket,
};

/// Upgrades a socket; the error says why that failed, the client having been told.
pub(super) async fn upgrade(
    hub: &Hub,
    connection: u64,
    socket: Socket,
) -> Result<(WebSocketStream<Socket>, String), String> {
    let mut device_id = String::new();
    #[expect(clippy::result_large_err, reason = "the error type is the WebSocket library's")]
    let check = |request: &Request, response: Response| {
        device_id = admit(hub, connection, request).map_err(|r| refusal(&r))?;
        Ok(response)
    };
    match accept_hdr_async(socket, check).await {
        Ok(ws) => Ok((ws, device_id)),
        Err(e) => Err(e.to_string()),
    }
}

fn admit(hub: &Hub, connection: u64, request: &Request) -> Result<String, RefuseHandshake> {
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

fn refusal(refusal: &RefuseHandshake) -> ErrorResponse {
    let mut response = ErrorResponse::new(None);
    *response.status_mut() = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in &refusal.headers {
        // What is no header cannot be sent as one; raw bytes are there for that.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    response
}
