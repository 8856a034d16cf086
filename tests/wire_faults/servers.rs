//! Canned servers, each on a free loopback port.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use crate::pki::{Identity, PKI};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the canned server does after it has read the request (or, of TLS, the first bytes).
#[derive(Clone, Copy)]
pub enum Then {
    Close,
    Reset,
    Hang,
    /// Sends this again and again.
    Repeat(&'static [u8]),
}

pub async fn canned(reply: &'static [u8], then: Then) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, reply, then));
        }
    });
    address
}

pub async fn serve(mut stream: TcpStream, reply: &'static [u8], then: Then) -> std::io::Result<()> {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    // Everything is read before the end, or closing would reset the connection.
    while !seen.ends_with(b"{}") && !seen.starts_with(b"\x16") {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        seen.extend_from_slice(&buffer[..n]);
    }
    stream.write_all(reply).await?;
    match then {
        Then::Close => stream.shutdown().await?,
        Then::Reset => {
            stream.set_zero_linger()?;
            return Ok(());
        }
        Then::Hang => {}
        Then::Repeat(bytes) => while stream.write_all(bytes).await.is_ok() {},
    }
    // Until the client goes.
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// A TLS server that answers every request with 204, or that reads on for ever where the handshake fails.
pub fn tls_server(identity: &Identity, wants_client_certificate: bool) -> String {
    tls_server_of(identity, wants_client_certificate, rustls::ALL_VERSIONS)
}

/// As [`tls_server`], speaking these versions alone.
pub fn tls_server_of(
    identity: &Identity,
    wants_client_certificate: bool,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let builder =
        rustls::ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).unwrap();
    let builder = if wants_client_certificate {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(PKI.ca.as_bytes()).unwrap()).unwrap();
        builder.with_client_cert_verifier(
            rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap(),
        )
    } else {
        builder.with_no_client_auth()
    };
    let config = Arc::new(builder.with_single_cert(vec![certificate], key).unwrap());
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::Stream::new(&mut tls, &mut socket);
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
                let _ = stream.flush();
                stream.conn.send_close_notify();
            }
            let _ = tls.write_tls(&mut socket);
            let _ = socket.shutdown(std::net::Shutdown::Write);
            while socket.read(&mut buffer).is_ok_and(|n| n > 0) {}
        }
    });
    format!("https://localhost:{port}/")
}
