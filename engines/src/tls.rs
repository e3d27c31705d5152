//! The certificates of one server: an authority of its own, and what it signed for 127.0.0.1.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

/// Files in a server's folder.
pub(crate) struct Tls {
    /// The authority's certificate, for clients.
    pub(crate) authority: PathBuf,
    /// The server's certificate.
    pub(crate) certificate: PathBuf,
    /// The server's key.
    pub(crate) key: PathBuf,
}

/// Writes them; whoever owns the folder has to be given them.
pub(crate) fn make(folder: &Path) -> Tls {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "Authority of a test's database server");
    let authority_key = KeyPair::generate().unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let mut server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    server.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let key = KeyPair::generate().unwrap();
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    Tls {
        authority: write(folder.join("authority.pem"), &authority_pem),
        certificate: write(folder.join("certificate.pem"), &certificate.pem()),
        key: write(folder.join("key.pem"), &key.serialize_pem()),
    }
}

fn write(path: PathBuf, pem: &str) -> PathBuf {
    std::fs::write(&path, pem).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}
