//! Whom we trust: the built-in roots of the Web PKI, or else exactly the authorities in a given PEM file.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::ClientError;

/// The TLS settings for HTTP and for the long connection. The file is read once, at start.
pub fn rustls_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, ClientError> {
    let roots = match ca_file {
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Some(path) => roots_of(path)?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn roots_of(path: &Path) -> Result<RootCertStore, ClientError> {
    let shown = path.display().to_string();
    let pem = std::fs::read(path).map_err(|source| ClientError::CaFile { path: shown.clone(), source })?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let mut roots = RootCertStore::empty();
    for certificate in certificates.map_err(|_| ClientError::NoCertificate { path: shown.clone() })? {
        roots.add(certificate).map_err(|_| ClientError::NoCertificate { path: shown.clone() })?;
    }
    if roots.is_empty() { Err(ClientError::NoCertificate { path: shown }) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn the_built_in_roots_are_there() {
        assert!(rustls_config(None).is_ok());
    }

    #[test]
    fn a_file_without_a_certificate_is_refused_by_name() {
        let missing = rustls_config(Some(Path::new("no/such/ca.pem"))).unwrap_err();
        assert!(missing.to_string().contains("no/such/ca.pem"), "{missing}");
        for text in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let file = file(text);
            assert!(matches!(rustls_config(Some(file.path())), Err(ClientError::NoCertificate { .. })), "{text:?}");
        }
    }
}
