//! What can be seen of the real binary's memory from outside: nothing, by other processes (S10); no refresh token that is not
//! in use, by root (E11).

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

use cardkey_sandbox::{DEFAULT_APP_SECRET, Lifetimes, Options};

use crate::harness::{Setup, World};

/// Nobody: as root a process's files are root's in any case.
const SOMEBODY: u32 = 65_534;

fn give(path: &Path) {
    chown(path, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    for entry in fs::read_dir(path).into_iter().flatten() {
        give(&entry.unwrap().path());
    }
}

#[tokio::test]
async fn nobody_but_root_reads_it_and_it_leaves_no_core() {
    let world = World::with_binary(Setup::default()).await;
    let config = world.config_path();
    let mut command = world.command(&["serve", "--demo", "--config", config.to_str().unwrap()]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if rustix::process::getuid().is_root() {
        give(world.directory.path());
        command.uid(SOMEBODY).gid(SOMEBODY);
    }
    let before = world.links_opened();
    let mut process = command.spawn().unwrap();
    world.links(before + 2).await;
    let about = |name: &str| format!("/proc/{}/{name}", process.id());
    let user = fs::read_to_string(about("status")).unwrap();
    assert!(!user.contains("Uid:\t0\t"), "it runs as somebody: {user}");
    assert_eq!(fs::metadata(about("mem")).unwrap().uid(), 0, "its memory is root's all the same");
    let limits = fs::read_to_string(about("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    process.kill().unwrap();
    process.wait().unwrap();
    world.end().await;
}

/// What a process can write to, as it is now.
fn memory_of(process: u32) -> Vec<u8> {
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut read = Vec::new();
    for line in fs::read_to_string(format!("/proc/{process}/maps")).unwrap().lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).unwrap());
        if rights.starts_with("rw") {
            let mut part = vec![0; usize::try_from(to - from).unwrap()];
            // What is mapped and not there cannot be read.
            if memory.read_exact_at(&mut part, from).is_ok() {
                read.extend_from_slice(&part);
            }
        }
    }
    read
}

/// The sandbox's access tokens are JWTs, which have dots.
fn is_refresh_token(secret: &str) -> bool {
    secret.starts_with("eyJ") && !secret.contains('.')
}

#[tokio::test]
async fn e11_a_refresh_token_is_in_memory_only_while_it_is_used() {
    let lifetimes = Lifetimes { access_token_s: 4, ..Lifetimes::default() };
    let setup = Setup { sandbox: Options { lifetimes, ..Options::default() }, ..Setup::default() };
    let world = World::with_binary(setup.variable("AUTH_TOKEN_REFRESH_THRESHOLD", "0.5")).await;
    let process = world.start_process().await;
    assert_eq!(world.granted(&["apaas:app:read"]).await.status, 200);
    // It was used once: one pair is fetched ahead, and no other.
    world.until(async || world.grants().await[0]["generation"] == 2).await;
    let refresh_tokens: Vec<String> =
        world.sandbox.secrets().into_iter().filter(|secret| is_refresh_token(secret)).collect();
    assert_eq!(refresh_tokens.len(), 2);
    if !rustix::process::getuid().is_root() {
        assert!(File::open(format!("/proc/{}/mem", process.id())).is_err(), "S10");
        return;
    }
    let secret = |memory: &[u8], secret: &str| memory.windows(secret.len()).any(|part| part == secret.as_bytes());
    assert!(secret(&memory_of(process.id()), DEFAULT_APP_SECRET), "what is in use is found");
    // A connection that is kept for the next request keeps its buffer for some seconds.
    let gone = || {
        let memory = memory_of(process.id());
        !refresh_tokens.iter().any(|token| secret(&memory, token))
    };
    world.until(async || gone()).await;
    process.stop().await;
    world.end().await;
}
