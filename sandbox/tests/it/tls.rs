use std::sync::Arc;

use cardkey_sandbox::{DEFAULT_APP_ID, Options, Sandbox};
use reqwest::{Certificate, Client};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn https_is_trusted_with_the_authority_and_only_then() {
    let file = std::env::temp_dir().join(format!("cardkey-sandbox-ca-{}.pem", std::process::id()));
    let options = Options { tls: true, ca_out: Some(file.clone()), ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    assert!(sandbox.base_url().starts_with("https://127.0.0.1:"));
    let pem = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(pem, sandbox.ca_pem().unwrap().as_bytes());
    let trusting = Client::builder().no_proxy().tls_certs_only([Certificate::from_pem(&pem).unwrap()]).build().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("https://{host}:{}/chat/api/state", sandbox.address().port());
        assert_eq!(trusting.get(&url).send().await.unwrap().status(), 200, "{host}");
    }
    let strange = Client::builder().no_proxy().build().unwrap();
    assert!(strange.get(sandbox.base_url()).send().await.is_err());
}

#[tokio::test]
async fn the_long_connection_is_wss_with_the_same_certificate() {
    let options = Options { tls: true, ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let stream = sandbox.feishu().stream(DEFAULT_APP_ID).unwrap();
    let url = stream.new_ticket().unwrap();
    assert!(url.starts_with("wss://127.0.0.1:"));
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(sandbox.ca_pem().unwrap().as_bytes());
    roots.add(authority.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(stream.address()).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let tls = tokio_rustls::TlsConnector::from(Arc::new(config));
    let tls = tls.connect(name, tcp).await.unwrap();
    let (_socket, answer) = tokio_tungstenite::client_async(url, tls).await.unwrap();
    assert_eq!(answer.status(), 101);
    stream.wait_for_connections(1).await;
}
