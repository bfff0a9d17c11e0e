//! Every value of the PostgreSQL fixture, carried by Arrow and encoded again, gives the same bytes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{Field, IntervalMonthDayNano, Schema, i256};

use super::*;
use crate::values::calendar::{PG_EPOCH_DAYS, PG_EPOCH_US};
use crate::values::fixtures::{self, Value};

fn be<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap()
}

/// The value of a fixture as the engine would carry it: one array of one row per possible carrier.
fn carriers(pg_type: PgType, binary: &[u8], text: &str) -> Vec<ArrayRef> {
    let string = || std::str::from_utf8(binary).unwrap();
    match pg_type {
        PgType::Bool => vec![Arc::new(BooleanArray::from(vec![binary[0] == 1]))],
        PgType::Int2 => vec![Arc::new(Int16Array::from(vec![i16::from_be_bytes(be(binary, 0))]))],
        PgType::Int4 => vec![Arc::new(Int32Array::from(vec![i32::from_be_bytes(be(binary, 0))]))],
        PgType::Int8 => vec![Arc::new(Int64Array::from(vec![i64::from_be_bytes(be(binary, 0))]))],
        PgType::Oid => {
            let oid = u32::from_be_bytes(be(binary, 0));
            vec![
                Arc::new(UInt32Array::from(vec![oid])),
                Arc::new(Int64Array::from(vec![i64::from(oid)])),
            ]
        }
        PgType::Float4 => {
            vec![Arc::new(Float32Array::from(vec![f32::from_be_bytes(be(binary, 0))]))]
        }
        PgType::Float8 => {
            vec![Arc::new(Float64Array::from(vec![f64::from_be_bytes(be(binary, 0))]))]
        }
        PgType::Numeric => numeric_carriers(text),
        PgType::Text | PgType::Varchar | PgType::Name | PgType::Json => vec![
            Arc::new(StringArray::from(vec![string()])),
            Arc::new(LargeStringArray::from(vec![string()])),
            Arc::new(StringViewArray::from(vec![string()])),
        ],
        PgType::Char => vec![utf8(string().trim_matches('\0'))],
        PgType::Jsonb => vec![utf8(std::str::from_utf8(&binary[1..]).unwrap())],
        PgType::Bytea => {
            let mut all: Vec<ArrayRef> = vec![
                Arc::new(BinaryArray::from(vec![binary])),
                Arc::new(LargeBinaryArray::from(vec![binary])),
                Arc::new(BinaryViewArray::from(vec![binary])),
            ];
            if !binary.is_empty() {
                all.push(Arc::new(
                    FixedSizeBinaryArray::try_from_iter(std::iter::once(binary)).unwrap(),
                ));
            }
            all
        }
        PgType::Uuid => vec![
            Arc::new(FixedSizeBinaryArray::try_from_iter(std::iter::once(binary)).unwrap()),
            Arc::new(StringArray::from(vec![text])),
        ],
        PgType::Date => {
            let days = i32::from_be_bytes(be(binary, 0));
            let is_infinite = matches!(days, i32::MAX | i32::MIN);
            vec![Arc::new(Date32Array::from(vec![if is_infinite {
                days
            } else {
                days + PG_EPOCH_DAYS
            }]))]
        }
        PgType::Time => {
            vec![Arc::new(Time64MicrosecondArray::from(vec![i64::from_be_bytes(be(binary, 0))]))]
        }
        PgType::Timestamp | PgType::Timestamptz => instant_carriers(pg_type, binary),
        PgType::Interval => {
            let ns = i64::from_be_bytes(be(binary, 0)).checked_mul(1_000).unwrap();
            let (days, months) =
                (i32::from_be_bytes(be(binary, 8)), i32::from_be_bytes(be(binary, 12)));
            let value = IntervalMonthDayNano::new(months, days, ns);
            vec![Arc::new(IntervalMonthDayNanoArray::from(vec![value]))]
        }
        PgType::Other(_) if pg_type.element().is_none() => vec![utf8(text)],
        array => vec![list_carrier(array.element().unwrap(), binary)],
    }
}

fn utf8(text: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![text]))
}

fn instant_carriers(pg_type: PgType, binary: &[u8]) -> Vec<ArrayRef> {
    let sent = i64::from_be_bytes(be(binary, 0));
    let us = if matches!(sent, i64::MAX | i64::MIN) { sent } else { sent + PG_EPOCH_US };
    let zone = (pg_type == PgType::Timestamptz).then_some("UTC");
    let mut all: Vec<ArrayRef> =
        vec![Arc::new(TimestampMicrosecondArray::from(vec![us]).with_timezone_opt(zone))];
    if let Some(ns) = us.checked_mul(1_000) {
        // Less than half a microsecond is rounded away.
        let array = TimestampNanosecondArray::from(vec![ns + 499]).with_timezone_opt(zone);
        all.push(Arc::new(array));
    }
    all
}

fn numeric_carriers(text: &str) -> Vec<ArrayRef> {
    let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits = text.replace('.', "");
    let mut all: Vec<ArrayRef> = vec![Arc::new(StringArray::from(vec![text]))];
    if digits.len() > 78
        || digits.parse::<f64>().is_ok_and(|value| !value.is_finite())
        || text == "NaN"
    {
        return all;
    }
    if let Some(value) = i256::from_string(&digits) {
        // The precision is not looked at, and i256 holds 77 digits where a decimal has 76.
        let array = Decimal256Array::from(vec![value])
            .with_data_type(DataType::Decimal256(76, scale as i8));
        all.push(Arc::new(array));
    }
    if let Ok(value) = digits.parse::<i128>() {
        let array = Decimal128Array::from(vec![value])
            .with_data_type(DataType::Decimal128(38, scale as i8));
        all.push(Arc::new(array));
    }
    if let Ok(value) = text.parse::<u64>() {
        all.push(Arc::new(UInt64Array::from(vec![value])));
    }
    if scale == 0 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let mut bytes = [0u8; 32];
        for digit in digits.bytes() {
            let mut carry = u32::from(digit - b'0');
            for byte in bytes.iter_mut().rev() {
                carry += u32::from(*byte) * 10;
                *byte = carry as u8;
                carry >>= 8;
            }
        }
        all.push(Arc::new(FixedSizeBinaryArray::try_from_iter(std::iter::once(bytes)).unwrap()));
    }
    all
}

/// A list of one row from PostgreSQL's binary array, its elements through their first carrier.
fn list_carrier(element: PgType, binary: &[u8]) -> ArrayRef {
    let count =
        if i32::from_be_bytes(be(binary, 0)) == 0 { 0 } else { i32::from_be_bytes(be(binary, 12)) };
    let mut at = 20;
    let mut arrays: Vec<Option<ArrayRef>> = Vec::new();
    for _ in 0..count {
        let bytes = i32::from_be_bytes(be(binary, at));
        at += 4;
        let Ok(bytes) = usize::try_from(bytes) else {
            arrays.push(None);
            continue;
        };
        let value = &binary[at..at + bytes];
        at += bytes;
        // Numeric elements in the fixture are whole and not negative.
        let text = if element == PgType::Numeric { binary_to_text(value) } else { String::new() };
        let chosen = carriers(element, value, &text);
        arrays.push(Some(
            if element == PgType::Numeric { chosen.last() } else { chosen.first() }
                .unwrap()
                .clone(),
        ));
    }
    let example =
        arrays.iter().flatten().next().map_or(DataType::Int32, |array| array.data_type().clone());
    let example = match (element, count) {
        (PgType::Bool, 0) => DataType::Boolean,
        (PgType::Text, 0) => DataType::Utf8,
        (PgType::Int2, 0) => DataType::Int16,
        (PgType::Oid, 0) => DataType::UInt32,
        _ => example,
    };
    let parts: Vec<ArrayRef> = arrays
        .into_iter()
        .map(|array| array.unwrap_or_else(|| new_null_array(&example, 1)))
        .collect();
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    let values = if parts.is_empty() {
        new_empty_array(&example)
    } else {
        arrow::compute::concat(&parts).unwrap()
    };
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([values.len()]);
    Arc::new(ListArray::new(Arc::new(Field::new_list_field(example, true)), offsets, values, None))
}

fn binary_to_text(binary: &[u8]) -> String {
    let zone = Zone::Fixed(0);
    match crate::values::decode::decode_parameter(PgType::Numeric, Format::Binary, binary, &zone)
        .unwrap()
    {
        crate::Parameter::Numeric(text) => text,
        other => panic!("not numeric: {other:?}"),
    }
}

fn encoded(array: &ArrayRef, pg_type: PgType, format: Format, style: &TextStyle) -> Vec<u8> {
    let mut out = BytesMut::new();
    resolve(array.as_ref(), pg_type, format, style).unwrap()(0, &mut out).unwrap();
    out.to_vec()
}

#[test]
fn every_carrier_of_every_fixture_value_is_encoded_as_postgres_does() {
    let mut counts: HashMap<PgType, usize> = HashMap::new();
    for Value { pg_type, style, text, binary, origin } in fixtures::values() {
        let pg_type = *pg_type;
        let is_shaped = pg_type.element().is_some()
            && (i32::from_be_bytes(be(binary, 0)) > 1 || text.starts_with('['));
        let is_other = matches!(pg_type, PgType::Other(_))
            && (pg_type.element().is_some() || style.zone != Zone::Named(chrono_tz::UTC));
        if is_shaped || is_other {
            // Such columns come with both their forms, which `write` makes.
            continue;
        }
        let all = carriers(pg_type, binary, text);
        assert!(!all.is_empty(), "{origin}");
        for array in all {
            let shown = String::from_utf8(encoded(&array, pg_type, Format::Text, style)).unwrap();
            assert_eq!(&shown, text, "text of {origin} from {}", array.data_type());
            let sent = encoded(&array, pg_type, Format::Binary, style);
            assert_eq!(&sent, binary, "binary of {origin} from {}", array.data_type());
            *counts.entry(pg_type).or_default() += 1;
        }
    }
    assert!(counts.len() > 35, "{} types", counts.len());
}

fn column(name: &str, pg_type: PgType) -> ResultColumn {
    ResultColumn {
        name: name.to_owned(),
        pg_type,
        type_modifier: -1,
        table_oid: 0,
        column_number: 0,
    }
}

fn one_column(
    array: ArrayRef,
    pg_type: PgType,
    format: Format,
) -> Result<EncodedBatch, QueryError> {
    let schema = Schema::new(vec![Field::new("c", array.data_type().clone(), true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![array]).unwrap();
    EncodedBatch::new(&batch, &[column("c", pg_type)], &[format], &TextStyle::default())
}

#[test]
fn a_row_is_one_message_with_the_length_of_each_value() {
    let array: ArrayRef = Arc::new(Int32Array::from(vec![Some(-7), None]));
    let batch = one_column(array, PgType::Int4, Format::Text).unwrap();
    let mut out = BytesMut::new();
    batch.write_row(0, &mut out).unwrap();
    batch.write_row(1, &mut out).unwrap();
    assert_eq!(&out[..], b"D\0\0\0\x0c\0\x01\0\0\0\x02-7D\0\0\0\x0a\0\x01\xff\xff\xff\xff");
}

#[test]
fn a_row_that_fails_leaves_no_bytes() {
    let array: ArrayRef = Arc::new(StringArray::from(vec!["a\0b"]));
    let batch = one_column(array, PgType::Text, Format::Text).unwrap();
    let mut out = BytesMut::from(&b"before"[..]);
    assert_eq!(batch.write_row(0, &mut out).unwrap_err().state.0, "22021");
    assert_eq!(&out[..], b"before");
}

#[test]
fn a_carrier_that_a_type_does_not_have_is_an_internal_error() {
    let array: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    for pg_type in [PgType::Numeric, PgType::Int8, PgType::Text, PgType::Date, PgType::Int4Array] {
        let error = one_column(array.clone(), pg_type, Format::Text).err().unwrap();
        assert_eq!(error.state.0, "XX000", "{pg_type:?}");
    }
}

#[test]
fn a_null_array_is_null_for_every_type_but_void() {
    let array: ArrayRef = Arc::new(NullArray::new(1));
    for (pg_type, tail) in [(PgType::Text, [0xff; 4]), (PgType::Void, [0; 4])] {
        let mut out = BytesMut::new();
        one_column(array.clone(), pg_type, Format::Text).unwrap().write_row(0, &mut out).unwrap();
        assert_eq!(out[7..], tail, "{pg_type:?}");
    }
}

#[test]
fn a_value_out_of_the_range_of_its_wire_type_is_an_error() {
    let oid: ArrayRef = Arc::new(Int64Array::from(vec![1i64 << 32]));
    let date: ArrayRef = Arc::new(Date32Array::from(vec![i32::MIN + 1]));
    let instant: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MIN + 1]));
    for (array, pg_type, state) in [
        (oid, PgType::Oid, "22003"),
        (date, PgType::Date, "22008"),
        (instant, PgType::Timestamp, "22008"),
    ] {
        let batch = one_column(array, pg_type, Format::Binary).unwrap();
        assert_eq!(batch.write_row(0, &mut BytesMut::new()).unwrap_err().state.0, state);
    }
}

#[test]
fn formats_are_none_one_or_one_for_each() {
    let each = |codes: &[i16], count| {
        Format::each(codes, count).map(|formats| formats.map_err(|error| error.state.0))
    };
    assert_eq!(each(&[], 2), Some(Ok(vec![Format::Text; 2])));
    assert_eq!(each(&[1], 2), Some(Ok(vec![Format::Binary; 2])));
    assert_eq!(each(&[0, 1], 2), Some(Ok(vec![Format::Text, Format::Binary])));
    assert_eq!(each(&[0, 1, 0], 2), None);
    assert_eq!(each(&[1], 0), Some(Ok(Vec::new())));
    assert_eq!(each(&[2], 1), Some(Err("22023")));
}
