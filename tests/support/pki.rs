//! Certificates made when a test needs them, so that no key is kept anywhere.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::sync::LazyLock;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};

/// A certificate authority, and certificates that it signed.
pub struct Pki {
    /// The authority's certificate (PEM).
    pub ca: String,
    /// For `localhost` and `as.example`.
    pub good: Identity,
    /// For `localhost`, and past its end.
    pub expired: Identity,
}

/// A certificate and its private key (PEM).
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Identity {
    /// Both in one file.
    pub fn pem(&self) -> Vec<u8> {
        format!("{}{}", self.certificate, self.key).into_bytes()
    }
}

/// One for all tests of a binary: making keys is what takes the time.
pub static PKI: LazyLock<Pki> = LazyLock::new(|| {
    let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    ca.distinguished_name.push(DnType::CommonName, "a CA for tests");
    let key = KeyPair::generate().unwrap();
    let certificate = ca.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(ca, key);
    let identity = |end: i32| {
        let mut leaf = CertificateParams::new(vec!["localhost".to_owned(), "as.example".to_owned()]).unwrap();
        leaf.not_before = date_time_ymd(2020, 1, 1);
        leaf.not_after = date_time_ymd(end, 1, 1);
        let key = KeyPair::generate().unwrap();
        Identity { certificate: leaf.signed_by(&key, &issuer).unwrap().pem(), key: key.serialize_pem() }
    };
    Pki { ca: certificate, good: identity(4000), expired: identity(2021) }
});
