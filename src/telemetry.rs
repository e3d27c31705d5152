//! Logs: sentences with fields, on standard error, as text or as JSON.
//!
//! Secrets cannot get here: their types print as `***`. What people see of a failure is written where it is handled,
//! once.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Libraries that would write frames, requests or statements at `trace` or `debug`. Appended to the operator's
/// directives, so that no setting turns them on.
const QUIET: &str = "tungstenite=info,tokio_tungstenite=info,hyper=info,hyper_util=info,reqwest=info,rustls=info,\
                     sqlx=warn,sea_orm=warn,sea_orm_migration=warn";

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the log level cannot be read: use error, warn, info, debug, trace or a list like info,cardkey=debug")]
pub struct BadFilter;

/// Starts the logs of this process. `filter` is in tracing's directive syntax.
pub fn start(filter: &str, json: bool) -> Result<(), BadFilter> {
    let filter = format!("{filter},{QUIET}");
    let filter = EnvFilter::builder().parse(filter).map_err(|_| BadFilter)?;
    let registry = tracing_subscriber::registry().with(filter);
    let writer = std::io::stderr;
    let started = if json {
        registry.with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer)).try_init()
    } else {
        registry.with(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer)).try_init()
    };
    // A second start in one process (tests) keeps the first.
    drop(started);
    Ok(())
}
