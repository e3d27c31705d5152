//! Group E of the bad inputs: what was moved, changed, cut or sealed with another key does not open.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const KEY_1: &str = "k1:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=";
const KEY_2: &str = "k2:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=";
const PLAIN: &[u8] = b"u-CANARY-token";
const PLACE: Place<'_> = Place { table: "grants", row: "row-1", field: "access_sealed", consent_no: 1, generation: 7 };

struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for (byte, value) in buffer.iter_mut().zip(number.iter().cycle()) {
            *byte = *value;
        }
    }
}

fn vault(keyring: &str) -> Vault {
    Vault::new(Keyring::parse(keyring).unwrap(), Arc::new(Counter(AtomicU64::new(0))))
}

fn sealed(place: &Place<'_>) -> Sealed {
    vault(KEY_1).seal(place, PLAIN).unwrap()
}

#[test]
fn opens_in_its_place() {
    let vault = vault(KEY_1);
    for plain in [&b""[..], PLAIN, &[0; 9000]] {
        let sealed = vault.seal(&PLACE, plain).unwrap();
        assert_eq!(*vault.open(&PLACE, &sealed).unwrap(), plain);
    }
}

#[test]
fn opens_in_no_other_place() {
    let elsewhere = [
        ("E1 another row", Place { row: "row-2", ..PLACE }),
        ("E1 another table", Place { table: "auth_sessions", ..PLACE }),
        ("E2 another field", Place { field: "refresh_sealed", ..PLACE }),
        ("E3 a later generation", Place { generation: 8, ..PLACE }),
        ("E3 an older generation", Place { generation: 6, ..PLACE }),
        ("E3 another consent", Place { consent_no: 2, ..PLACE }),
        ("two parts that only look alike when joined", Place { table: "grantsrow", row: "-1", ..PLACE }),
    ];
    for (name, place) in elsewhere {
        assert_eq!(vault(KEY_1).open(&place, &sealed(&PLACE)), Err(VaultError::Refused), "{name}");
    }
}

#[test]
fn refuses_any_changed_byte() {
    let vault = vault(KEY_1);
    let bytes = sealed(&PLACE).into_bytes();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << bit;
            let result = vault.open(&PLACE, &Sealed::from_bytes(changed));
            assert!(result.is_err(), "E4 bit {bit} of byte {position}");
        }
    }
}

#[test]
fn refuses_any_cut() {
    let vault = vault(KEY_1);
    let bytes = sealed(&PLACE).into_bytes();
    for length in 0..bytes.len() {
        let cut = Sealed::from_bytes(bytes[..length].to_vec());
        assert!(vault.open(&PLACE, &cut).is_err(), "E5 {length} bytes");
    }
    let longer = Sealed::from_bytes([&bytes[..], &[0]].concat());
    assert_eq!(vault.open(&PLACE, &longer), Err(VaultError::Refused), "E5 one byte more");
}

#[test]
fn names_what_it_does_not_know() {
    let mut of_the_future = sealed(&PLACE).into_bytes();
    of_the_future[0] = 2;
    assert_eq!(vault(KEY_1).open(&PLACE, &Sealed::from_bytes(of_the_future)), Err(VaultError::Malformed), "E6 version");
    let unknown = Err(VaultError::UnknownKey { id: "k1".to_owned() });
    assert_eq!(vault(KEY_2).open(&PLACE, &sealed(&PLACE)), unknown, "E6 key");
    let wrong = vault("k1:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=");
    assert_eq!(wrong.open(&PLACE, &sealed(&PLACE)), Err(VaultError::Refused), "E7 another key of this id");
}

#[test]
fn seals_with_the_first_key_and_opens_with_all() {
    let rotated = vault(&format!("{KEY_2}\n{KEY_1}"));
    assert_eq!(*rotated.open(&PLACE, &sealed(&PLACE)).unwrap(), PLAIN, "the older key still opens");
    let fresh = rotated.seal(&PLACE, PLAIN).unwrap();
    assert_eq!(*vault(KEY_2).open(&PLACE, &fresh).unwrap(), PLAIN, "the first key seals");
}

#[test]
fn no_two_sealed_values_are_alike() {
    let vault = vault(KEY_1);
    let distinct: HashSet<Vec<u8>> = (0..10_000).map(|_| vault.seal(&PLACE, PLAIN).unwrap().into_bytes()).collect();
    assert_eq!(distinct.len(), 10_000, "E9");
}

#[test]
fn shows_no_secret() {
    let vault = vault(&format!("{KEY_1},{KEY_2}"));
    assert_eq!(format!("{vault:?}"), r#"Vault { keyring: ["k1", "k2"], .. }"#, "E12");
    assert_eq!(format!("{:?}", sealed(&PLACE)), "Sealed(46 bytes)", "E12");
}

#[test]
fn reads_keyrings() {
    let text = format!("\n {KEY_1} ,\r\n\n{}\n", KEY_2.trim_end_matches('='));
    let ring = Keyring::parse(&text).unwrap();
    assert_eq!(ring.ids().map(KeyId::as_str).collect::<Vec<_>>(), ["k1", "k2"]);
}

#[test]
fn says_which_key_is_unreadable_and_never_shows_it() {
    let id = |text: &str| KeyId::parse(text).unwrap();
    let good = "MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=";
    let cases = [
        (String::new(), KeyringError::Empty),
        (" , \n".to_owned(), KeyringError::Empty),
        (good.to_owned(), KeyringError::Id { position: 1 }),
        (format!("{KEY_1},K2:{good}"), KeyringError::Id { position: 2 }),
        (format!(":{good}"), KeyringError::Id { position: 1 }),
        (format!("a-key-id-of-17-ch:{good}"), KeyringError::Id { position: 1 }),
        ("k1:not base64!".to_owned(), KeyringError::Base64 { id: id("k1") }),
        ("k1:MTEx".to_owned(), KeyringError::Length { id: id("k1") }),
        (format!("k1:{good}MTEx").replace("=MTEx", "MTEx"), KeyringError::Length { id: id("k1") }),
        ("k1:".to_owned(), KeyringError::Length { id: id("k1") }),
        (format!("{KEY_1}\n{KEY_1}"), KeyringError::Twice { id: id("k1") }),
    ];
    for (text, expected) in cases {
        let error = Keyring::parse(&text).map(|_| ()).unwrap_err();
        assert_eq!(error, expected, "{text:?}");
        assert!(!error.to_string().contains("MTEx"), "{error}");
    }
}

#[test]
fn macs_are_verified_with_any_key_of_the_ring() {
    let mac = vault(KEY_1).mac("link", b"data");
    let rotated = vault(&format!("{KEY_2}\n{KEY_1}"));
    assert!(rotated.verify_mac("link", b"data", &mac));
    assert!(rotated.verify_mac("link", b"data", &Mac::parse(&mac.to_text()).unwrap()));
    assert!(!rotated.verify_mac("link", b"date", &mac), "other data");
    assert!(!rotated.verify_mac("api-key", b"data", &mac), "another purpose");
    assert!(!vault(KEY_2).verify_mac("link", b"data", &mac), "a key that is not in the ring");
    let forged = Mac { key_id: KeyId::parse("k2").unwrap(), ..mac };
    assert!(!rotated.verify_mac("link", b"data", &forged), "another key's id");
}

#[test]
fn reads_no_text_that_is_not_a_mac() {
    let tag = "A".repeat(43);
    for bad in
        ["", ".", "k1", "k1.", &format!("K1.{tag}"), &format!("k1.{tag}="), &format!("k1.{tag}A"), &format!(".{tag}")]
    {
        assert!(Mac::parse(bad).is_none(), "{bad:?}");
    }
}
