//! The two facts that sign-in needs from an X.509 certificate: its subject's name and its fingerprint.
//!
//! A reader of DER by hand: the libraries that check the chain do not show either, and a whole X.509
//! library would be large for them. Every length is checked against what is there.

use sha2::{Digest, Sha256, Sha384, Sha512};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
/// Tag of the optional version in front of a certificate's serial number.
const VERSION: u8 = 0xa0;
/// Types of text in a name that are UTF-8 or a part of it: UTF8String, PrintableString, IA5String.
const TEXT_TAGS: [u8; 3] = [0x0c, 0x13, 0x16];

/// 2.5.4.3, `commonName`.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 1.2.840.113549.1.1, RSA signatures; the next number tells the hash.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
/// 1.2.840.10045.4.1, ECDSA with SHA-1.
const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
/// 1.2.840.10045.4.3, ECDSA with SHA-2; the next number tells the hash.
const ECDSA_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];

/// `tls-server-end-point` (RFC 5929) of a certificate: its hash by the algorithm of its signature,
/// SHA-256 where that is MD5 or SHA-1. `None` where the signature names no such hash (Ed25519, PSS) or
/// the bytes are no certificate: channel binding is not offered then.
pub(crate) fn end_point_hash(der: &[u8]) -> Option<Vec<u8>> {
    let (_tbs, rest) = element(certificate(der)?, SEQUENCE)?;
    let (algorithm, _) = element(rest, SEQUENCE)?;
    let (id, _) = element(algorithm, OBJECT_ID)?;
    match (id.strip_prefix(RSA), id.strip_prefix(ECDSA_SHA2)) {
        (Some([4 | 5 | 11]), _) | (_, Some([2])) => Some(Sha256::digest(der).to_vec()),
        (Some([12]), _) | (_, Some([3])) => Some(Sha384::digest(der).to_vec()),
        (Some([13]), _) | (_, Some([4])) => Some(Sha512::digest(der).to_vec()),
        _ if id == ECDSA_SHA1 => Some(Sha256::digest(der).to_vec()),
        _ => None,
    }
}

/// The last common name of a certificate's subject. `None` when it has none, or one that holds a zero
/// byte or is not UTF-8: such a name could be read as another one.
pub(crate) fn common_name(der: &[u8]) -> Option<String> {
    let (mut tbs, _) = element(certificate(der)?, SEQUENCE)?;
    if tbs.first() == Some(&VERSION) {
        tbs = any_element(tbs)?.2;
    }
    // Serial number, signature algorithm, issuer, validity; then the subject.
    for _ in 0..4 {
        tbs = any_element(tbs)?.2;
    }
    let (mut subject, _) = element(tbs, SEQUENCE)?;
    let mut found = None;
    while !subject.is_empty() {
        let (mut relative, rest) = element(subject, SET)?;
        while !relative.is_empty() {
            let (attribute, after) = element(relative, SEQUENCE)?;
            let (id, value) = element(attribute, OBJECT_ID)?;
            if id == COMMON_NAME {
                let (tag, text, _) = any_element(value)?;
                found = Some(TEXT_TAGS.contains(&tag).then_some(text)?);
            }
            relative = after;
        }
        subject = rest;
    }
    let name = std::str::from_utf8(found?).ok()?;
    (!name.is_empty() && !name.contains('\0')).then(|| name.to_owned())
}

fn certificate(der: &[u8]) -> Option<&[u8]> {
    let (content, rest) = element(der, SEQUENCE)?;
    rest.is_empty().then_some(content)
}

/// Content of the element of type `tag` at the start of `bytes`, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any_element(bytes)?;
    (found == tag).then_some((content, rest))
}

fn any_element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        // Certificates are far below 16 MiB: three bytes of length are plenty.
        let count = usize::from(first & 0x7f);
        if !(1..=3).contains(&count) {
            return None;
        }
        let (digits, after) = rest.split_at_checked(count)?;
        length = digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    fn fixture() -> Vec<u8> {
        let pem = include_bytes!("../../tests/fixtures/tls/cert.pem");
        CertificateDer::from_pem_slice(pem).unwrap().to_vec()
    }

    #[test]
    fn the_subject_and_the_fingerprint_of_a_certificate_are_found() {
        let der = fixture();
        assert_eq!(common_name(&der).as_deref(), Some("localhost"));
        assert_eq!(end_point_hash(&der).unwrap(), Sha256::digest(&der).to_vec());
    }

    #[test]
    fn a_certificate_cut_short_or_with_bytes_behind_it_is_none() {
        let mut der = fixture();
        for cut in 0..der.len() {
            assert_eq!(end_point_hash(&der[..cut]), None, "{cut}");
            assert_eq!(common_name(&der[..cut]), None, "{cut}");
        }
        der.push(0);
        assert_eq!(end_point_hash(&der), None);
    }

    #[test]
    fn a_name_with_a_zero_byte_is_no_name() {
        let mut der = fixture();
        let at = der.windows(9).rposition(|part| part == b"localhost").unwrap();
        let subject = der[..at].windows(9).rposition(|part| part == b"localhost");
        // The first match is the issuer, the second the subject; the last one is in the extensions.
        let at = subject.unwrap_or(at);
        der[at + 3] = 0;
        assert_eq!(common_name(&der), None);
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_name_or_none(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            at in 0_usize..300,
        ) {
            let _ = common_name(&bytes);
            let mut der = fixture();
            let end = (at + bytes.len()).min(der.len());
            der[at..end].copy_from_slice(&bytes[..end - at]);
            let _ = (common_name(&der), end_point_hash(&der));
        }
    }
}
