//! `inet`, `cidr`, `macaddr`, `macaddr8`.

use std::cmp::Ordering;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::{BufMut, BytesMut};

use crate::values::decode::invalid_syntax;
use crate::values::error::INVALID_BINARY;
use crate::values::reader::Reader;
use crate::{QueryError, SqlState};

/// Numbers of the address families on the wire.
const FAMILY_V4: u8 = 2;
const FAMILY_V6: u8 = 3;

/// Address bytes (4 or 16) and bits of the network.
struct Address {
    bytes: Vec<u8>,
    bits: u8,
}

impl Address {
    fn bits_max(&self) -> u8 {
        if self.bytes.len() == 4 { 32 } else { 128 }
    }

    /// Whether a bit beyond the network is set.
    fn has_host_bits(&self) -> bool {
        self.bytes.iter().zip(0_u32..).any(|(byte, at)| {
            let kept = u32::from(self.bits).saturating_sub(at * 8).min(8);
            u32::from(*byte) & (0xff >> kept) != 0
        })
    }

    fn text(&self, is_cidr: bool) -> String {
        let address = match <[u8; 4]>::try_from(self.bytes.as_slice()) {
            Ok(bytes) => Ipv4Addr::from(bytes).to_string(),
            Err(_) => {
                let bytes = <[u8; 16]>::try_from(self.bytes.as_slice()).unwrap_or_default();
                v6_text(bytes)
            }
        };
        if is_cidr || self.bits != self.bits_max() {
            format!("{address}/{}", self.bits)
        } else {
            address
        }
    }
}

/// As PostgreSQL writes it: addresses that hold one of version 4 in its last part show it.
fn v6_text(bytes: [u8; 16]) -> String {
    let address = Ipv6Addr::from(bytes);
    let last = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    let is_compatible = bytes[..12].iter().all(|byte| *byte == 0) && last > 1;
    if is_compatible {
        return format!("::{}", Ipv4Addr::from(last));
    }
    address.to_string()
}

fn read(text: &str, is_cidr: bool) -> Result<Address, QueryError> {
    let name = if is_cidr { "cidr" } else { "inet" };
    let invalid = || invalid_syntax(name, text).about(text);
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => {
            let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
            (address, Some(bits.parse::<u8>().ok().filter(|_| is_number).ok_or_else(invalid)?))
        }
        None => (text, None),
    };
    let found = if address.contains(':') {
        let bytes = address.parse::<Ipv6Addr>().map_err(|_| invalid())?.octets().to_vec();
        Address { bytes, bits: bits.unwrap_or(128) }
    } else {
        read_v4(address, bits, is_cidr).ok_or_else(invalid)?
    };
    if found.bits > found.bits_max() {
        return Err(invalid());
    }
    if is_cidr && found.has_host_bits() {
        let message = format!("invalid cidr value: \"{text}\"");
        return Err(QueryError::new(SqlState::INVALID_TEXT, message)
            .with_detail("Value has bits set to right of mask.")
            .about(text));
    }
    Ok(found)
}

/// One to four numbers for `cidr`, and for `inet` with a network; four otherwise.
fn read_v4(address: &str, bits: Option<u8>, is_cidr: bool) -> Option<Address> {
    let parts: Vec<&str> = address.split('.').collect();
    if parts.len() > 4 || (parts.len() < 4 && !is_cidr && bits.is_none()) {
        return None;
    }
    let mut bytes = Vec::new();
    for part in &parts {
        let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        bytes.push(part.parse::<u8>().ok().filter(|_| is_number)?);
    }
    // Without a number of bits the old classes say how many.
    let class = match bytes[0] {
        240.. => 32,
        224.. => 8,
        192.. => 24,
        128.. => 16,
        _ => 8,
    };
    let bits = bits.unwrap_or_else(|| if is_cidr { class.max(bytes.len() as u8 * 8) } else { 32 });
    bytes.resize(4, 0);
    Some(Address { bytes, bits })
}

pub(super) fn parse_address(text: &str, is_cidr: bool) -> Result<String, QueryError> {
    read(text.trim_ascii(), is_cidr).map(|address| address.text(is_cidr))
}

pub(super) fn receive_address(reader: &mut Reader, is_cidr: bool) -> Result<String, QueryError> {
    let name = if is_cidr { "cidr" } else { "inet" };
    let invalid = |what: &str| {
        QueryError::new(INVALID_BINARY, format!("invalid {what} in external \"{name}\" value"))
    };
    let (family, bits, _is_cidr, size) = (reader.u8()?, reader.u8()?, reader.u8()?, reader.u8()?);
    let size_expected = match family {
        FAMILY_V4 => 4,
        FAMILY_V6 => 16,
        _ => return Err(invalid("address family")),
    };
    if usize::from(bits) > size_expected * 8 {
        return Err(invalid("bits"));
    }
    if usize::from(size) != size_expected {
        return Err(invalid("length"));
    }
    let address = Address { bytes: reader.bytes(size_expected)?.to_vec(), bits };
    if is_cidr && address.has_host_bits() {
        return Err(QueryError::new(INVALID_BINARY, "invalid external \"cidr\" value")
            .with_detail("Value has bits set to right of mask."));
    }
    Ok(address.text(is_cidr))
}

pub(super) fn send_address(
    text: &str,
    is_cidr: bool,
    out: &mut BytesMut,
) -> Result<(), QueryError> {
    let address = read(text, is_cidr)?;
    out.put_u8(if address.bytes.len() == 4 { FAMILY_V4 } else { FAMILY_V6 });
    out.put_u8(address.bits);
    out.put_u8(u8::from(is_cidr));
    out.put_u8(address.bytes.len() as u8);
    out.put_slice(&address.bytes);
    Ok(())
}

/// By family, then the bits that both networks have, then their sizes, then the whole address.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (read(left, false).ok()?, read(right, false).ok()?);
    let shared = usize::from(left.bits.min(right.bits));
    let network = |address: &Address| {
        let mut bytes = address.bytes.clone();
        for (at, byte) in bytes.iter_mut().enumerate() {
            let kept = shared.saturating_sub(at * 8).min(8);
            *byte &= !((0xff_u16 >> kept) as u8);
        }
        bytes
    };
    let order = left.bytes.len().cmp(&right.bytes.len());
    let order = order.then_with(|| network(&left).cmp(&network(&right)));
    Some(order.then_with(|| left.bits.cmp(&right.bits)).then_with(|| left.bytes.cmp(&right.bytes)))
}

/// Whether the network `inner` lies in `outer`, and where `is_strict` is smaller.
pub(crate) fn is_inside(inner: &str, outer: &str, is_strict: bool) -> bool {
    let (Ok(inner), Ok(outer)) = (read(inner, false), read(outer, false)) else { return false };
    let is_deeper = if is_strict { inner.bits > outer.bits } else { inner.bits >= outer.bits };
    let shares = |at: usize| {
        let kept = usize::from(outer.bits).saturating_sub(at * 8).min(8);
        let mask = !((0xff_u16 >> kept) as u8);
        inner.bytes[at] & mask == outer.bytes[at] & mask
    };
    inner.bytes.len() == outer.bytes.len() && is_deeper && (0..outer.bytes.len()).all(shares)
}

/// Six or eight bytes in any of the usual forms; six become eight around `ff:fe`.
pub(super) fn parse_mac(text: &str, size: usize) -> Result<String, QueryError> {
    let name = if size == 6 { "macaddr" } else { "macaddr8" };
    let invalid = || invalid_syntax(name, text).about(text);
    let trimmed = text.trim_ascii();
    let separators: Vec<char> = trimmed.chars().filter(|c| !c.is_ascii_hexdigit()).collect();
    let is_uniform = separators.windows(2).all(|pair| pair[0] == pair[1])
        && separators.first().is_none_or(|found| matches!(found, ':' | '-' | '.'));
    let groups: Vec<&str> = trimmed.split([':', '-', '.']).collect();
    let digits: String = match groups.as_slice() {
        // Groups of bytes may leave out zeros in front.
        groups if groups.len() == 6 || groups.len() == 8 => {
            groups.iter().map(|group| format!("{group:0>2}")).collect()
        }
        groups => groups.concat(),
    };
    let bytes = hex::decode(&digits).map_err(|_| invalid())?;
    let bytes = match (size, bytes.as_slice()) {
        (8, [a, b, c, d, e, f]) => vec![*a, *b, *c, 0xff, 0xfe, *d, *e, *f],
        _ if bytes.len() == size => bytes,
        _ => return Err(invalid()),
    };
    if !is_uniform {
        return Err(invalid());
    }
    Ok(mac_text(&bytes))
}

fn mac_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

pub(super) fn receive_mac(reader: &mut Reader, size: usize) -> Result<String, QueryError> {
    if size == 8 && reader.remaining() == 6 {
        let text = mac_text(&reader.bytes(6)?);
        return parse_mac(&text, 8);
    }
    Ok(mac_text(&reader.bytes(size)?))
}

pub(super) fn send_mac(text: &str, out: &mut BytesMut) {
    // Canonical text is pairs of digits.
    out.put_slice(&hex::decode(text.replace(':', "")).unwrap_or_default());
}
