//! E9: with the operating system's randomness no nonce repeats under one key, which is one row's.

use std::collections::HashSet;
use std::sync::Arc;

use cardkey::app::OsRandom;
use cardkey::vault::{Keyring, Place, Vault};

use crate::harness::MASTER_KEY;

/// A table's row whose values are sealed again and again.
const ROW: Place<'_> = Place { table: "grants", row: "row-1", field: "access_sealed", consent_no: 1, generation: 1 };

const NONCE: usize = 12;

/// Seals so many values under one row's key; gives how many different nonces they have.
#[expect(clippy::print_stdout, reason = "the count is what is wanted of a long run")]
pub(crate) fn distinct(encryptions: usize) -> usize {
    let ring = Keyring::parse(&format!("k1:{MASTER_KEY}")).unwrap();
    let vault = Vault::new(ring, Arc::new(OsRandom));
    let mut nonces = HashSet::with_capacity(encryptions);
    for _ in 0..encryptions {
        let bytes = vault.seal(&ROW, b"t").unwrap().into_bytes();
        // Version, length of the key's id, the id.
        let at = 2 + usize::from(bytes[1]);
        let nonce: [u8; NONCE] = bytes[at..at + NONCE].try_into().unwrap();
        nonces.insert(nonce);
    }
    println!("E9: {encryptions} encryptions under one key, {} nonces", nonces.len());
    nonces.len()
}

#[test]
fn e9_none_repeats_in_a_million() {
    assert_eq!(distinct(1_000_000), 1_000_000);
}
