//! The two listeners: the API and the metrics.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::{Base, StartError};
use crate::shutdown::Shutdown;
use crate::web::WebState;

/// Takes an address.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError::Listen { address, error })
}

/// The address that was taken.
pub(super) fn local(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|error| StartError::Listen { address: SocketAddr::from(([0, 0, 0, 0], 0)), error })
}

/// Serves both until the process ends.
pub(super) fn listen(base: &Base, (api, metrics): (TcpListener, TcpListener), state: WebState) {
    let Shutdown { soft, tracker, .. } = &base.shutdown;
    let serve = |listener, router| {
        let limits = base.ambient.limits;
        tracker.spawn(crate::web::serve::serve(listener, router, limits, soft.clone(), tracker.clone()));
    };
    serve(metrics, crate::web::metrics_router(&state));
    serve(api, crate::web::router(state));
}
