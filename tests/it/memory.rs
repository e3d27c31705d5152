//! S10: what other processes see of the real binary's memory, looked at from outside.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

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
