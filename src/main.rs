//! The command line: what to do, with which configuration; the exit code says how it went.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use cardkey::app::{self, Archive, Jobs, Keys, Ring, StartError};
use clap::{Args, Parser, Subcommand};
use mimalloc::MiMalloc;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites what is freed: the HTTP, JSON and TLS libraries hold copies of tokens in buffers that they do not clear.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

/// An auth gateway for chat bots: a service asks for a person's token, the person taps a card, the service has it.
#[derive(Parser)]
#[command(name = "cardkey", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    sources: SourceArgs,
}

#[derive(Args)]
struct SourceArgs {
    /// The configuration file; environment variables override it. Without it the environment alone is read, or
    /// cardkey.toml if there is one here.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Accept placeholder secrets: for trying things out against the sandbox.
    #[arg(long, global = true)]
    demo: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway.
    Serve,
    /// Bring the database to this version's schema.
    Migrate,
    /// Check the configuration without starting.
    CheckConfig,
    /// API keys of the services that ask for tokens.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// The key ring that everything secret is sealed with.
    Vault {
        #[command(subcommand)]
        command: VaultCommand,
    },
    /// The work that runs by the clock, once over all gateways.
    Jobs {
        #[command(subcommand)]
        command: JobsCommand,
    },
    /// Copy the SQLite database into a file, also while the gateway runs.
    Backup {
        /// The file to make.
        file: PathBuf,
        /// Overwrite a file that is there.
        #[arg(long)]
        force: bool,
    },
    /// Put a backup in the SQLite database's place. No gateway may run.
    Restore {
        /// The file that `backup` made.
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum JobsCommand {
    /// List the jobs: schedule, last success, next run, what the runs did.
    List,
    /// Run a job now, also while gateways run.
    Run {
        /// The job's name.
        name: String,
        /// Say what it would do, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Clone, Copy, Subcommand)]
enum VaultCommand {
    /// Seal everything anew with the first key of the ring.
    Rotate,
    /// Say what each key is used for, and which can be removed.
    Status,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Make a key and print it, once.
    Create {
        /// The service's name, shown to people on cards and pages.
        #[arg(long)]
        name: String,
        /// An app that the service may ask under; may be given several times.
        #[arg(long = "app", required = true)]
        apps: Vec<String>,
        /// The scopes that it may ask for, separated by blanks.
        #[arg(long)]
        scopes: String,
    },
    /// List all keys, without their secrets.
    List,
    /// End a key at once.
    Revoke {
        /// The key's id: the part between `ck_` and the next underscore.
        id: String,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing else can be done when standard error is gone.
            drop(writeln!(std::io::stderr(), "cardkey: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), StartError> {
    let here = PathBuf::from("cardkey.toml");
    let file = cli.sources.config.or_else(|| here.exists().then_some(here));
    let config = app::prepare(file.as_deref(), cli.sources.demo)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StartError::Command(format!("no threads: {error}")))?;
    match cli.command {
        Command::Serve => runtime.block_on(app::serve(config)),
        Command::Migrate => runtime.block_on(app::migrate(&config)),
        Command::CheckConfig => {
            app::check(&config)?;
            app::print("the configuration is usable")
        }
        Command::Keys { command } => runtime.block_on(keys(command).run(&config)),
        Command::Jobs { command } => runtime.block_on(jobs(command).run(&config)),
        Command::Backup { file, force } => runtime.block_on(Archive::Backup { file, force }.run(&config)),
        Command::Restore { file } => runtime.block_on(Archive::Restore { file }.run(&config)),
        Command::Vault { command: VaultCommand::Rotate } => runtime.block_on(Ring::Rotate.run(&config)),
        Command::Vault { command: VaultCommand::Status } => runtime.block_on(Ring::Status.run(&config)),
    }
}

fn jobs(command: JobsCommand) -> Jobs {
    match command {
        JobsCommand::List => Jobs::List,
        JobsCommand::Run { name, dry_run } => Jobs::Run { name, dry_run },
    }
}

fn keys(command: KeysCommand) -> Keys {
    match command {
        KeysCommand::Create { name, apps, scopes } => Keys::Create { name, apps, scopes },
        KeysCommand::List => Keys::List,
        KeysCommand::Revoke { id } => Keys::Revoke { id },
    }
}
