//! The long connection alone, behind the smallest endpoint that official clients accept.
//!
//! `cargo run -p cardkey-sandbox --example feishu_stream` serves one app on the port that it prints, pushes
//! samples to every connection and prints the log. With a number as argument it then floods the first
//! connection for so many seconds and prints the report: the way to measure a client.

use std::{error::Error, sync::Arc};

use axum::{Json, Router, extract::State, routing::post};
use cardkey_sandbox::feishu::stream::{FloodSpec, Stream, StreamConfig};
use serde_json::{Value, json};

async fn endpoint(State(stream): State<Arc<Stream>>) -> Json<Value> {
    Json(match stream.new_ticket() {
        Ok(url) => {
            let data = json!({"URL": url, "ClientConfig": stream.client_config()});
            json!({"code": 0, "msg": "ok", "data": data})
        }
        Err(refusal) => json!({"code": refusal.code, "msg": refusal.msg, "data": {}}),
    })
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example shows what happens")]
async fn main() -> Result<(), Box<dyn Error>> {
    let flood = std::env::args().nth(1).map(|s| s.parse()).transpose()?;
    let mut config = StreamConfig::local("cli_a1b2c3d4e5f60718", "736588c9260f175d");
    config.auto_push = flood.is_none();
    let stream = Arc::new(Stream::start(config).await?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let app = Router::new().route("/callback/ws/endpoint", post(endpoint));
    let serve = axum::serve(listener, app.with_state(Arc::clone(&stream)));
    let show = async {
        if let Some(seconds) = flood {
            let spec = FloodSpec { seconds, ..FloodSpec::default() };
            let mut report = stream.flood(spec).await;
            report.last_acked_event_ids.clear();
            println!("{}", serde_json::to_string_pretty(&report)?);
            return Ok(());
        }
        let mut shown = 0;
        loop {
            let fresh: Vec<_> = stream.wait_for(|log| log.get(shown..).filter(|l| !l.is_empty()).map(Vec::from)).await;
            shown += fresh.len();
            for entry in fresh {
                println!("{}", serde_json::to_string(&entry)?);
            }
        }
    };
    tokio::select! {
        served = serve => Ok(served?),
        shown = show => shown,
    }
}
