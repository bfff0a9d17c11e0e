//! The server's certificate and key, and whose client certificates it believes.
//!
//! Invariants
//! - A key file that others can read is refused, as PostgreSQL does.
//! - No key material is in an error or a debug print.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use crate::certificate::end_point_hash;

/// Largest file of certificates or a key, bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Permission bits of a key file for its group and for others.
#[cfg(unix)]
const OTHERS_MODE: u32 = 0o077;

/// TLS of a gateway, ready to use.
#[derive(Clone)]
pub struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// Fingerprint for channel binding; `None` where the certificate's signature has no hash for it.
    pub(crate) end_point: Option<Arc<[u8]>>,
    has_client_authority: bool,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("has_client_authority", &self.has_client_authority)
            .finish_non_exhaustive()
    }
}

/// PEM files of a gateway.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, then those of its issuers.
    pub certificate: PathBuf,
    /// Its key, readable by the owner only.
    pub key: PathBuf,
    /// Certificates of the authorities that sign client certificates.
    pub client_authority: Option<PathBuf>,
}

/// Why TLS cannot be used. The messages name files, never what is in them.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others than the owner may read the key.
    #[error("private key file {path} has group or world access; its mode must be 0600 or less",
        path = path.display())]
    KeyAccess {
        /// The file.
        path: PathBuf,
    },
    /// A file holds no PEM block of the kind that it must.
    #[error("{path} holds no {expected} in PEM form", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
    /// Certificate and key do not fit, or an authority's certificate is not usable.
    #[error("certificate {path} cannot be used: {reason}", path = path.display())]
    Unusable {
        /// The certificate file.
        path: PathBuf,
        /// What the library said.
        reason: String,
    },
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Where a file cannot be read, is readable by others, or does not hold what it must.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let chain = certificates(&files.certificate)?;
        let key = read_key(&files.key)?;
        let end_point = chain.first().and_then(|first| end_point_hash(first)).map(Arc::from);
        let unusable =
            |path: &Path, reason: String| TlsError::Unusable { path: path.into(), reason };
        let builder = rustls::ServerConfig::builder();
        let builder = match &files.client_authority {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(path)? {
                    roots.add(authority).map_err(|error| unusable(path, error.to_string()))?;
                }
                // Not every client has a certificate: the host rules say who needs one.
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| unusable(path, error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let config = builder
            .with_single_cert(chain, key)
            .map_err(|error| unusable(&files.certificate, error.to_string()))?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            end_point,
            has_client_authority: files.client_authority.is_some(),
        })
    }

    /// Whether client certificates can be checked.
    pub fn has_client_authority(&self) -> bool {
        self.has_client_authority
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read { path: path.to_owned(), source };
    let size_bytes = std::fs::metadata(path).map_err(failed)?.len();
    if size_bytes > FILE_BYTES_MAX {
        let message = format!("{size_bytes} bytes, at most {FILE_BYTES_MAX} are read");
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    std::fs::read(path).map_err(failed)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let content = || TlsError::Content { path: path.to_owned(), expected: "certificate" };
    let found = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| content())?;
    if found.is_empty() { Err(content()) } else { Ok(found) }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let failed = |source| TlsError::Read { path: path.to_owned(), source };
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & OTHERS_MODE != 0 {
            return Err(TlsError::KeyAccess { path: path.to_owned() });
        }
    }
    // The library's error is left out: it could quote the file.
    PrivateKeyDer::from_pem_slice(&read(path)?)
        .map_err(|_| TlsError::Content { path: path.to_owned(), expected: "private key" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path, key_mode: u32, key: &[u8]) -> TlsFiles {
        use std::os::unix::fs::PermissionsExt;
        let certificate = folder.join("cert.pem");
        std::fs::write(&certificate, include_bytes!("../../tests/fixtures/tls/cert.pem")).unwrap();
        let key_path = folder.join("key.pem");
        std::fs::write(&key_path, key).unwrap();
        std::fs::set_permissions(&key_path, std::fs::Permissions::from_mode(key_mode)).unwrap();
        TlsFiles { certificate, key: key_path, client_authority: None }
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let key = include_bytes!("../../tests/fixtures/tls/key.pem");
        let tls = Tls::load(&files(folder.path(), 0o600, key)).unwrap();
        assert!(tls.end_point.is_some() && !tls.has_client_authority());
        for mode in [0o640, 0o604] {
            let error = Tls::load(&files(folder.path(), mode, key)).unwrap_err();
            assert!(matches!(error, TlsError::KeyAccess { .. }), "{error}");
        }
    }

    #[test]
    fn an_error_about_a_key_does_not_quote_it() {
        let folder = tempfile::tempdir().unwrap();
        let broken = b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END";
        let error = Tls::load(&files(folder.path(), 0o600, broken)).unwrap_err();
        assert!(matches!(error, TlsError::Content { .. }));
        assert!(!format!("{error:?}").contains("c2VjcmV0"));
    }
}
