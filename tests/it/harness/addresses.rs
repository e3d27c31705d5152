//! A loopback address for each world: all of 127.0.0.0/8 is this machine, so that fixed ports never clash.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// An address that no other world of this process has, and most likely none of another process.
pub(crate) fn fresh() -> Ipv4Addr {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    let [_, _, high, low] = process.to_be_bytes();
    let [_, _, middle, last] = n.to_be_bytes();
    Ipv4Addr::new(127, 1 + (high ^ middle) % 250, low, 1 + last % 254)
}
