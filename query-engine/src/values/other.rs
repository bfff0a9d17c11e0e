//! Types that the engine reads, shows and sends, and computes little with.
//!
//! ```text
//! text ──canonical──> the form that PostgreSQL prints ──send──> binary
//! binary ──receive──────────────┘        └──shown──> the same under the session's settings
//! ```
//!
//! Invariants
//! - Equal values of one type have one canonical form, but for `inet` and `cidr`, which differ in type.
//! - Text that PostgreSQL refuses is refused with its SQLSTATE.

mod bits;
mod geometry;
mod misc;
mod network;
mod range;

use std::cmp::Ordering;

use bytes::BytesMut;

pub(crate) use bits::sized as sized_bits;
pub(crate) use network::is_inside;
pub(crate) use range::{Ranges, parts_of as range_parts};

use crate::values::calendar::Zone;
use crate::values::decode::invalid_syntax;
use crate::values::encode::TextStyle;
use crate::values::error::valid_text;
use crate::values::reader::Reader;
use crate::{QueryError, SqlState};

pub(crate) const TID: u32 = 27;
pub(crate) const CID: u32 = 29;
pub(crate) const XML: u32 = 142;
const POINT: u32 = 600;
const LSEG: u32 = 601;
const PATH: u32 = 602;
const BOX: u32 = 603;
const POLYGON: u32 = 604;
const LINE: u32 = 628;
pub(crate) const CIDR: u32 = 650;
const CIRCLE: u32 = 718;
const MACADDR8: u32 = 774;
pub(crate) const MONEY: u32 = 790;
const MACADDR: u32 = 829;
pub(crate) const INET: u32 = 869;
pub(crate) const TIMETZ: u32 = 1266;
pub(crate) const BIT: u32 = 1560;
pub(crate) const VARBIT: u32 = 1562;
const REFCURSOR: u32 = 1790;
pub(crate) const RECORD: u32 = 2249;
const CSTRING: u32 = 2275;
const TXID_SNAPSHOT: u32 = 2970;
pub(crate) const PG_LSN: u32 = 3220;
const JSONPATH: u32 = 4072;
const PG_SNAPSHOT: u32 = 5038;
pub(crate) const XID8: u32 = 5069;

/// Aliases of object ids that have no variant of [`crate::PgType`]: procedure, operator with and without
/// operands, role, configuration and dictionary of text search, collation.
pub(crate) const OBJECT_IDS: [u32; 7] = [2202, 2203, 2204, 4096, 3734, 3769, 4191];

/// Whether a type that is no array is one of these.
pub(crate) fn is_known(oid: u32) -> bool {
    matches!(
        oid,
        TID | CID
            | XML
            | POINT
            | LSEG
            | PATH
            | BOX
            | POLYGON
            | LINE
            | CIDR
            | CIRCLE
            | MACADDR8
            | MONEY
            | MACADDR
            | INET
            | TIMETZ
            | BIT
            | VARBIT
            | REFCURSOR
            | RECORD
            | CSTRING
            | TXID_SNAPSHOT
            | PG_LSN
            | JSONPATH
            | PG_SNAPSHOT
            | XID8
    ) || OBJECT_IDS.contains(&oid)
        || range::kind(oid).is_some()
}

/// The canonical form of a value in text. `zone` is the session's.
///
/// # Errors
/// Of the type's input function.
pub(crate) fn canonical(oid: u32, text: &str, zone: &Zone) -> Result<String, QueryError> {
    match oid {
        BIT | VARBIT => bits::parse(text),
        INET | CIDR => network::parse_address(text, oid == CIDR),
        MACADDR | MACADDR8 => network::parse_mac(text, if oid == MACADDR { 6 } else { 8 }),
        POINT | LSEG | PATH | BOX | POLYGON | LINE | CIRCLE => geometry::parse(oid, text),
        TIMETZ => misc::parse_timetz(text, *zone),
        MONEY => misc::parse_money(text),
        PG_LSN => misc::parse_lsn(text),
        TID => misc::parse_tid(text),
        CID | XID8 => misc::parse_counter(oid, text),
        TXID_SNAPSHOT | PG_SNAPSHOT => misc::parse_snapshot(oid, text),
        XML => misc::parse_xml(text),
        RECORD => Err(QueryError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "input of anonymous composite types is not implemented",
        )),
        _ if range::kind(oid).is_some() => range::parse(oid, text, *zone),
        _ => Ok(text.to_owned()),
    }
}

/// The canonical form of a value in binary.
///
/// # Errors
/// Of the type's receive function.
pub(crate) fn receive(oid: u32, reader: &mut Reader) -> Result<String, QueryError> {
    match oid {
        BIT | VARBIT => bits::receive(reader),
        INET | CIDR => network::receive_address(reader, oid == CIDR),
        MACADDR => network::receive_mac(reader, 6),
        MACADDR8 => network::receive_mac(reader, 8),
        POINT | LSEG | PATH | BOX | POLYGON | LINE | CIRCLE => geometry::receive(oid, reader),
        TIMETZ => misc::receive_timetz(reader),
        MONEY => Ok(misc::money_text(reader.i64()?)),
        PG_LSN => Ok(misc::lsn_text(reader.i64()?.cast_unsigned())),
        TID => Ok(format!("({},{})", reader.u32()?, reader.u16()?)),
        CID => Ok(reader.u32()?.to_string()),
        XID8 => Ok(reader.i64()?.cast_unsigned().to_string()),
        TXID_SNAPSHOT | PG_SNAPSHOT => misc::receive_snapshot(reader),
        JSONPATH => match reader.u8()? {
            1 => rest(reader),
            other => Err(QueryError::new(
                SqlState::INTERNAL_ERROR,
                format!("unsupported jsonpath version number: {other}"),
            )),
        },
        XML => misc::parse_xml(&rest(reader)?),
        RECORD => canonical(oid, "", &Zone::Fixed(0)),
        _ if OBJECT_IDS.contains(&oid) => Ok(reader.u32()?.to_string()),
        _ if range::kind(oid).is_some() => range::receive(oid, reader),
        _ => rest(reader),
    }
}

fn rest(reader: &mut Reader) -> Result<String, QueryError> {
    let bytes = reader.bytes(reader.remaining())?;
    valid_text(&bytes).map(str::to_owned)
}

/// The binary form of a canonical text.
///
/// # Errors
/// 42883 for a type without a send function; 22P02 only for text that is not canonical.
pub(crate) fn send(oid: u32, text: &str, out: &mut BytesMut) -> Result<(), QueryError> {
    use bytes::BufMut;
    match oid {
        BIT | VARBIT => bits::send(text, out),
        INET | CIDR => network::send_address(text, oid == CIDR, out)?,
        MACADDR | MACADDR8 => network::send_mac(text, out),
        POINT | LSEG | PATH | BOX | POLYGON | LINE | CIRCLE => geometry::send(oid, text, out)?,
        TIMETZ => misc::send_timetz(text, out)?,
        MONEY => out.put_i64(misc::money_cents(text)?),
        PG_LSN => out.put_u64(misc::lsn(text)?),
        TID => {
            let (block, offset) = misc::tid(text)?;
            out.put_u32(block);
            out.put_u16(offset);
        }
        CID => out.put_u32(text.parse().map_err(|_| invalid_syntax("cid", text))?),
        XID8 => out.put_u64(text.parse().map_err(|_| invalid_syntax("xid8", text))?),
        TXID_SNAPSHOT | PG_SNAPSHOT => misc::send_snapshot(oid, text, out)?,
        JSONPATH => {
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        _ if OBJECT_IDS.contains(&oid) => {
            out.put_u32(text.parse().map_err(|_| invalid_syntax("oid", text))?);
        }
        _ if range::kind(oid).is_some() => range::send(oid, text, out)?,
        _ => out.put_slice(text.as_bytes()),
    }
    Ok(())
}

/// A canonical text as the session's settings show it.
///
/// # Errors
/// As [`send`].
pub(crate) fn put_shown(
    oid: u32,
    text: &str,
    style: &TextStyle,
    out: &mut BytesMut,
) -> Result<(), QueryError> {
    if range::kind(oid).is_some() {
        return range::put_shown(oid, text, style, out);
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Order of two canonical texts; `None` where the type has none.
pub(crate) fn compare(oid: u32, left: &str, right: &str) -> Option<Ordering> {
    match oid {
        BIT | VARBIT | MACADDR | MACADDR8 => Some(left.cmp(right)),
        INET | CIDR => network::compare(left, right),
        TIMETZ => misc::compare_timetz(left, right),
        MONEY => Some(misc::money_cents(left).ok()?.cmp(&misc::money_cents(right).ok()?)),
        PG_LSN => Some(misc::lsn(left).ok()?.cmp(&misc::lsn(right).ok()?)),
        TID => Some(misc::tid(left).ok()?.cmp(&misc::tid(right).ok()?)),
        XID8 => Some(left.parse::<u64>().ok()?.cmp(&right.parse().ok()?)),
        _ if range::kind(oid).is_some() => range::compare(oid, left, right),
        _ => None,
    }
}

/// Whether values of the type have an order that is not their text's.
pub(crate) fn is_ordered(oid: u32) -> bool {
    matches!(oid, INET | CIDR | TIMETZ | MONEY | PG_LSN | TID | XID8) || range::kind(oid).is_some()
}

/// Whether two values of a type that is carried as text can be told equal.
pub(crate) fn has_equality(oid: u32) -> bool {
    let has_none =
        matches!(oid, 114 | XML | JSONPATH | POINT | POLYGON | PATH | BOX | LSEG | LINE | CIRCLE);
    !has_none
}
