//! Arrays: their text, the vectors' text, and binary.

use crate::parameter::Dimension;
use crate::{Parameter, PgType, QueryError, SqlState};

use super::{decode_binary, decode_text};
use crate::values::array_text::{self, DIMENSIONS_MAX, ELEMENTS_MAX};
use crate::values::calendar::Zone;
use crate::values::error::{INVALID_BINARY, internal, protocol_violation};
use crate::values::reader::Reader;

fn element_of(pg_type: PgType) -> Result<PgType, QueryError> {
    pg_type.element().ok_or_else(|| internal(format!("type {} has no elements", pg_type.name())))
}

/// Elements of `1 2`.
pub(super) fn parse_vector(
    pg_type: PgType,
    text: &str,
    zone: &Zone,
) -> Result<Parameter, QueryError> {
    let element = element_of(pg_type)?;
    let elements = text.split_ascii_whitespace().map(|word| decode_text(element, word, zone));
    elements.collect::<Result<_, _>>().map(Parameter::Array)
}

/// Elements of `{1,NULL,"a b"}`, with their dimensions.
pub(super) fn parse(pg_type: PgType, text: &str, zone: &Zone) -> Result<Parameter, QueryError> {
    let element = element_of(pg_type)?;
    let array = array_text::parse(text, element.delimiter())?;
    let elements = array.elements.into_iter().map(|word| match word {
        None => Ok(Parameter::Null),
        Some(word) => decode_text(element, &word, zone),
    });
    Ok(Parameter::array(array.dimensions, elements.collect::<Result<_, _>>()?))
}

/// Reads PostgreSQL's binary array.
pub(super) fn read(pg_type: PgType, reader: &mut Reader) -> Result<Parameter, QueryError> {
    let element = element_of(pg_type)?;
    let (count, flags, oid) = (reader.i32()?, reader.i32()?, reader.u32()?);
    let invalid = |message: String| QueryError::new(INVALID_BINARY, message);
    let count = usize::try_from(count)
        .map_err(|_| invalid(format!("invalid number of dimensions: {count}")))?;
    if count > DIMENSIONS_MAX {
        return Err(QueryError::new(
            SqlState::PROGRAM_LIMIT,
            format!(
                "number of array dimensions ({count}) exceeds the maximum allowed ({DIMENSIONS_MAX})"
            ),
        ));
    }
    if !matches!(flags, 0 | 1) {
        return Err(invalid("invalid array flags".to_owned()));
    }
    if oid != element.oid() {
        let message = format!(
            "binary data has array element type {oid} ({}) instead of expected {} ({})",
            PgType::from_oid(oid).map_or("unknown", PgType::name),
            element.oid(),
            element.name()
        );
        return Err(QueryError::new(SqlState::DATATYPE_MISMATCH, message));
    }
    let (mut dimensions, mut total) = (Vec::with_capacity(count), usize::from(count > 0));
    for _ in 0..count {
        let (length, lower) = (reader.i32()?, reader.i32()?);
        let size = usize::try_from(length).ok();
        let product = size.and_then(|size| total.checked_mul(size));
        total = product.filter(|total| *total <= ELEMENTS_MAX).ok_or_else(|| {
            QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("array size exceeds the maximum allowed ({ELEMENTS_MAX})"),
            )
        })?;
        dimensions.push(Dimension { lower, length });
    }
    // Each element has a length word, so a count beyond what is there cannot be real.
    if total > reader.remaining() / 4 {
        return Err(protocol_violation("insufficient data left in message"));
    }
    let mut elements = Vec::with_capacity(total);
    for _ in 0..total {
        elements.push(match reader.i32()? {
            -1 => Parameter::Null,
            bytes => {
                let bytes = usize::try_from(bytes)
                    .ok()
                    .filter(|bytes| *bytes <= reader.remaining())
                    .ok_or_else(|| invalid("insufficient data left in message".to_owned()))?;
                decode_binary(element, &reader.bytes(bytes)?)?
            }
        });
    }
    if elements.is_empty() {
        dimensions.clear();
    }
    if matches!(pg_type, PgType::Int2Vector | PgType::OidVector) {
        return Ok(Parameter::Array(elements));
    }
    Ok(Parameter::array(dimensions, elements))
}
