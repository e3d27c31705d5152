//! The sandbox as a program: `cardkey-sandbox serve`.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use cardkey_sandbox::{
    AppSpec, DEFAULT_APP_ID, DEFAULT_APP_SECRET, DINGTALK_CLIENT_ID, DINGTALK_CLIENT_SECRET, DINGTALK_TEMPLATE,
    DingTalkOptions, Lifetimes, Options, RefreshMode, Sandbox, StreamOptions, TokenLimit, WECHAT_APP_ID,
    WECHAT_APP_SECRET,
};
use clap::{Args, Parser, Subcommand, ValueEnum};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Simulators of chat platforms, for trying out and testing Cardkey. Nothing here is a real platform.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the Feishu simulator, its chat page and its control interface.
    #[command(after_help = apps_note())]
    Serve(Box<Serve>),
}

#[derive(Args)]
struct Serve {
    /// Address to listen on. Anybody who reaches it controls the sandbox: keep it on loopback.
    #[arg(long, default_value = "127.0.0.1:9100")]
    listen: SocketAddr,
    /// Port of the default app's long connection; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    stream_port: u16,
    /// Host in the long connection's URL, if clients reach the sandbox under another name.
    #[arg(long)]
    public_host: Option<String>,
    /// Origin in links shown to people, if browsers reach the sandbox under another name.
    #[arg(long)]
    public_url: Option<String>,
    /// Serve https and wss with a certificate authority made at the start.
    #[arg(long)]
    tls: bool,
    /// Write that authority's certificate (PEM) here.
    #[arg(long, requires = "tls", value_name = "FILE")]
    ca_out: Option<PathBuf>,
    /// Push one message event and one card click to every new long connection.
    #[arg(long)]
    auto_push: bool,
    /// How many people to make up besides Alice, Bob and Carol.
    #[arg(long, default_value_t = 0)]
    people: usize,
    /// Enforce no rate limit at all.
    #[arg(long)]
    no_rate_limits: bool,
    /// How the token endpoint answers at its limit.
    #[arg(long, value_enum, default_value_t = Limit::Off)]
    token_limit: Limit,
    /// Port of the default DingTalk app's long connection; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    dingtalk_stream_port: u16,
    /// Multiplies the periods that the platform fixes (redelivery, idempotency window, age of cards, …).
    #[arg(long, default_value_t = 1.0)]
    time_scale: f64,
    /// Lifetime of user access tokens, in seconds.
    #[arg(long, default_value_t = Lifetimes::default().access_token_s)]
    access_token_ttl: i64,
    /// What a spent refresh token of the default app still does.
    #[arg(long, value_enum, default_value_t = Mode::Strict)]
    refresh_mode: Mode,
    /// How long the two modes with a grace have one, in milliseconds.
    #[arg(long, default_value_t = 30_000, value_name = "MS")]
    grace: i64,
    /// Lifetime of refresh tokens, in seconds.
    #[arg(long, default_value_t = Lifetimes::default().refresh_token_s)]
    refresh_token_ttl: i64,
    /// Lifetime of authorization codes, in seconds.
    #[arg(long, default_value_t = Lifetimes::default().code_s)]
    code_ttl: i64,
    /// Lifetime of tenant access tokens, in seconds.
    #[arg(long, default_value_t = Lifetimes::default().tenant_token_s)]
    tenant_token_ttl: i64,
    /// Lifetime of device codes, in seconds.
    #[arg(long, default_value_t = Lifetimes::default().device_code_s)]
    device_expiry: i64,
    /// Seconds a device waits between two polls.
    #[arg(long, default_value_t = Lifetimes::default().device_interval_s)]
    device_interval: i64,
    /// Seconds between two pings, as told to clients of the long connection.
    #[arg(long, default_value_t = StreamOptions::default().ping_interval_s)]
    ping_interval: i64,
}

/// See [`RefreshMode`].
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// It is refused.
    Strict,
    /// It is refused, and every token of its chain dies.
    FamilyRevoke,
    /// For a while it is answered with the same successors again.
    GraceSame,
    /// For a while it gives a new pair, and the successor before dies.
    GraceNew,
}

impl Mode {
    const fn with_grace(self, grace_ms: i64) -> RefreshMode {
        match self {
            Self::Strict => RefreshMode::Strict,
            Self::FamilyRevoke => RefreshMode::FamilyRevoke,
            Self::GraceSame => RefreshMode::GraceSame { grace_ms },
            Self::GraceNew => RefreshMode::GraceNew { grace_ms },
        }
    }
}

/// See [`TokenLimit`].
#[derive(Clone, Copy, ValueEnum)]
enum Limit {
    /// There is none.
    Off,
    /// HTTP 429.
    Http429,
    /// HTTP 400.
    Http400,
}

impl From<Limit> for TokenLimit {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Off => Self::Off,
            Limit::Http429 => Self::Http429,
            Limit::Http400 => Self::Http400,
        }
    }
}

fn apps_note() -> String {
    format!(
        "The default app:\n  id      {DEFAULT_APP_ID}\n  secret  {DEFAULT_APP_SECRET}\nAt DingTalk:\n  id      {DINGTALK_CLIENT_ID}\n  secret  {DINGTALK_CLIENT_SECRET}\n  template  {DINGTALK_TEMPLATE}\nAt WeChat:\n  id      {WECHAT_APP_ID}\n  secret  {WECHAT_APP_SECRET}"
    )
}

impl From<Serve> for Options {
    fn from(args: Serve) -> Self {
        let default_app = AppSpec {
            app_id: DEFAULT_APP_ID.to_owned(),
            refresh_mode: Some(args.refresh_mode.with_grace(args.grace)),
            ..AppSpec::default()
        };
        Self {
            listen: args.listen,
            stream_port: args.stream_port,
            public_host: args.public_host,
            public_url: args.public_url,
            tls: args.tls,
            ca_out: args.ca_out,
            auto_push: args.auto_push,
            apps: vec![default_app],
            generated_people: args.people,
            rate_limits: !args.no_rate_limits,
            token_limit: args.token_limit.into(),
            time_scale: args.time_scale,
            dingtalk: DingTalkOptions { stream_port: args.dingtalk_stream_port, ..DingTalkOptions::default() },
            lifetimes: Lifetimes {
                access_token_s: args.access_token_ttl,
                refresh_token_s: args.refresh_token_ttl,
                code_s: args.code_ttl,
                tenant_token_s: args.tenant_token_ttl,
                device_code_s: args.device_expiry,
                device_interval_s: args.device_interval,
            },
            stream: StreamOptions { ping_interval_s: args.ping_interval, ..StreamOptions::default() },
            ..Self::default()
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_ansi(std::io::stdout().is_terminal()).init();
    let Command::Serve(args) = Cli::parse().command;
    let sandbox = match Sandbox::start((*args).into()).await {
        Ok(sandbox) => sandbox,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the sandbox did not start");
            return ExitCode::FAILURE;
        }
    };
    tracing::info!(url = sandbox.base_url(), "the sandbox answers; open the url to see the chat");
    if let Err(error) = told_to_stop().await {
        tracing::error!(%error, "signals cannot be received");
    }
    sandbox.stop().await;
    ExitCode::SUCCESS
}

/// Waits for SIGINT or SIGTERM.
async fn told_to_stop() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
