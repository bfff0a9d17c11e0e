//! Rules that say how a client from some address signs in, in the manner of `pg_hba.conf`.
//!
//! Invariants
//! - The first rule that matches decides; a client that none matches is refused.
//! - `trust` is for loopback addresses only: a rule that is wider cannot be made.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Proof that a client must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// None.
    Trust,
    /// A password, checked by SCRAM-SHA-256 against the role's verifier.
    ScramSha256,
    /// A client certificate whose common name is the role.
    Cert,
    /// Nothing helps.
    Reject,
}

/// Which connections a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// With TLS or without.
    Host,
    /// With TLS only.
    HostSsl,
    /// Without TLS only.
    HostNoSsl,
}

/// Names that a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// Every name.
    All,
    /// The database that is named like the role.
    SameUser,
    /// One of these.
    Listed(Vec<String>),
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    /// Kind of connection.
    pub kind: HostKind,
    /// Databases.
    pub databases: Names,
    /// Roles.
    pub roles: Names,
    /// Client addresses.
    pub addresses: AddressRange,
    /// Proof to give.
    pub method: AuthMethod,
    /// Whether a client certificate for the role is needed besides: `clientcert=verify-full`.
    pub needs_certificate: bool,
}

/// What is known of a client when a rule is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) address: IpAddr,
    pub(crate) is_encrypted: bool,
    pub(crate) database: &'a str,
    pub(crate) role: &'a str,
}

impl HostRule {
    /// A rule for every database and role over any kind of connection.
    pub fn for_all(addresses: AddressRange, method: AuthMethod) -> Self {
        let (databases, roles) = (Names::All, Names::All);
        let (kind, needs_certificate) = (HostKind::Host, false);
        Self { kind, databases, roles, addresses, method, needs_certificate }
    }

    pub(crate) fn matches(&self, caller: &Caller<'_>) -> bool {
        let is_kind = match self.kind {
            HostKind::Host => true,
            HostKind::HostSsl => caller.is_encrypted,
            HostKind::HostNoSsl => !caller.is_encrypted,
        };
        is_kind
            && self.addresses.contains(caller.address)
            && self.databases.contains(caller.database, caller.role)
            && self.roles.contains(caller.role, caller.role)
    }
}

impl Names {
    fn contains(&self, name: &str, role: &str) -> bool {
        match self {
            Self::All => true,
            Self::SameUser => name == role,
            Self::Listed(names) => names.iter().any(|listed| listed == name),
        }
    }
}

/// Addresses whose first bits are those of a network: `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressRange {
    /// Every address.
    All,
    /// One network.
    Network {
        /// An address of it.
        address: IpAddr,
        /// Bits that count.
        bits: u8,
    },
}

/// Why a text is not a range of addresses.
#[derive(Debug, thiserror::Error)]
#[error("\"{text}\" is not \"all\", an IP address, or a network such as 10.0.0.0/8")]
pub struct AddressError {
    text: String,
}

impl AddressRange {
    /// `127.0.0.0/8`.
    pub const LOOPBACK_V4: Self =
        Self::Network { address: IpAddr::V4(Ipv4Addr::LOCALHOST), bits: 8 };
    /// `::1`.
    pub const LOOPBACK_V6: Self =
        Self::Network { address: IpAddr::V6(Ipv6Addr::LOCALHOST), bits: 128 };

    /// Whether every address in it is of this machine.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::All => false,
            Self::Network { address: IpAddr::V4(address), bits } => {
                address.is_loopback() && *bits >= 8
            }
            Self::Network { address: IpAddr::V6(address), bits } => {
                address.is_loopback() && *bits == 128
            }
        }
    }

    fn contains(&self, client: IpAddr) -> bool {
        let Self::Network { address, bits } = *self else { return true };
        // `::ffff:127.0.0.1` is how a dual-stack socket shows an IPv4 client.
        match (address, client.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(client)) => {
                leading(u32::from(network).into(), 96 + bits)
                    == leading(u32::from(client).into(), 96 + bits)
            }
            (IpAddr::V6(network), IpAddr::V6(client)) => {
                leading(network.into(), bits) == leading(client.into(), bits)
            }
            _ => false,
        }
    }
}

/// The first `bits` bits of an address.
fn leading(address: u128, bits: u8) -> u128 {
    address.checked_shr(128 - u32::from(bits)).unwrap_or(0)
}

impl FromStr for AddressRange {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError { text: text.to_owned() };
        if text == "all" {
            return Ok(Self::All);
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(bits_max), str::parse).map_err(|_| wrong())?;
        if bits > bits_max {
            return Err(wrong());
        }
        Ok(Self::Network { address, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller<'a>(
        address: &str,
        is_encrypted: bool,
        database: &'a str,
        role: &'a str,
    ) -> Caller<'a> {
        Caller { address: address.parse().unwrap(), is_encrypted, database, role }
    }

    #[test]
    fn a_network_holds_the_addresses_with_its_first_bits() {
        for (range, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.7", "10.2.0.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("127.0.0.0/8", "::ffff:127.9.9.9", "126.255.255.255"),
        ] {
            let range: AddressRange = range.parse().unwrap();
            assert!(range.contains(inside.parse().unwrap()), "{range:?} {inside}");
            assert!(!range.contains(outside.parse().unwrap()), "{range:?} {outside}");
        }
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "localhost", "10.0.0.0/-1"] {
            assert!(wrong.parse::<AddressRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_ranges_inside_loopback_count_as_loopback() {
        for (range, expected) in [
            ("127.0.0.1", true),
            ("127.0.0.0/8", true),
            ("127.0.0.0/7", false),
            ("::1", true),
            ("::1/127", false),
            ("0.0.0.0/0", false),
            ("all", false),
        ] {
            assert_eq!(range.parse::<AddressRange>().unwrap().is_loopback(), expected, "{range}");
        }
    }

    #[test]
    fn every_field_of_a_rule_must_match() {
        let rule = HostRule {
            kind: HostKind::HostSsl,
            databases: Names::Listed(vec!["eth".into()]),
            roles: Names::Listed(vec!["ann".into(), "bob".into()]),
            addresses: "10.0.0.0/8".parse().unwrap(),
            method: AuthMethod::ScramSha256,
            needs_certificate: false,
        };
        assert!(rule.matches(&caller("10.0.0.1", true, "eth", "bob")));
        assert!(!rule.matches(&caller("10.0.0.1", false, "eth", "bob")));
        assert!(!rule.matches(&caller("11.0.0.1", true, "eth", "bob")));
        assert!(!rule.matches(&caller("10.0.0.1", true, "btc", "bob")));
        assert!(!rule.matches(&caller("10.0.0.1", true, "eth", "carl")));
        let own = HostRule { databases: Names::SameUser, roles: Names::All, ..rule };
        assert!(own.matches(&caller("10.0.0.1", true, "carl", "carl")));
        assert!(!own.matches(&caller("10.0.0.1", true, "eth", "carl")));
    }
}
