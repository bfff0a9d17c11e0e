//! Both formats of every fixture value give one parameter; wrong values give PostgreSQL's SQLSTATE.

use proptest::prelude::*;

use super::*;
use crate::values::fixtures::{self, Value};

const UTC: Zone = Zone::Fixed(0);

fn text(pg_type: PgType, value: &str) -> Result<Parameter, &'static str> {
    decode_parameter(pg_type, Format::Text, value.as_bytes(), &UTC).map_err(|error| error.state.0)
}

fn binary(pg_type: PgType, value: &[u8]) -> Result<Parameter, &'static str> {
    decode_parameter(pg_type, Format::Binary, value, &UTC).map_err(|error| error.state.0)
}

#[test]
fn text_and_binary_of_every_fixture_value_give_one_parameter() {
    for Value { pg_type, style, text, binary, origin } in fixtures::values() {
        let from_binary = decode_parameter(*pg_type, Format::Binary, binary, &style.zone).unwrap();
        if matches!(pg_type, PgType::Float4 | PgType::Float8) && style.extra_float_digits < 1 {
            continue; // the text has fewer digits than the value
        }
        if origin.contains("sql_standard") {
            continue; // one sign for all fields, which is read so under that setting only
        }
        let from_text = decode_parameter(*pg_type, Format::Text, text.as_bytes(), &style.zone);
        let from_text = from_text.unwrap_or_else(|error| panic!("{origin}: {error}"));
        match (&from_text, &from_binary) {
            (Parameter::Float(a), Parameter::Float(b)) if a.is_nan() => assert!(b.is_nan()),
            _ if format!("{from_text:?}").contains("NaN") => {
                assert_eq!(format!("{from_text:?}"), format!("{from_binary:?}"));
            }
            _ => assert_eq!(from_text, from_binary, "{origin}"),
        }
    }
}

#[test]
fn wrong_text_has_the_sqlstate_of_its_type() {
    for (pg_type, value, state) in [
        (PgType::Int4, "abc", "22P02"),
        (PgType::Int4, "", "22P02"),
        (PgType::Int4, "1_", "22P02"),
        (PgType::Int4, "2147483648", "22003"),
        (PgType::Int2, "99999", "22003"),
        (PgType::Int8, "9223372036854775808", "22003"),
        (PgType::Int8, "340282366920938463463374607431768211456", "22003"),
        (PgType::Oid, "4294967296", "22003"),
        (PgType::Bool, "maybe", "22P02"),
        (PgType::Bool, "o", "22P02"),
        (PgType::Float8, "1e400", "22003"),
        (PgType::Float8, "1e-400", "22003"),
        (PgType::Float4, "1e39", "22003"),
        (PgType::Float8, "x", "22P02"),
        (PgType::Numeric, "1.2.3", "22P02"),
        (PgType::Numeric, ".", "22P02"),
        (PgType::Numeric, "1e200000", "22003"),
        (PgType::Uuid, "zz", "22P02"),
        (PgType::Bytea, "\\xzz", "22023"),
        (PgType::Bytea, "\\x0", "22023"),
        (PgType::Bytea, "\\9", "22P02"),
        (PgType::Date, "tomorrowish", "22007"),
        (PgType::Timestamp, "2020-13-45", "22008"),
        (PgType::Timestamp, "2020-02-30 00:00", "22008"),
        (PgType::Timestamp, "2020-01-01 25:00", "22008"),
        (PgType::Timestamptz, "2020-01-01 00:00 Nowhere/Land", "22007"),
        (PgType::Int4Array, "1,2", "22P02"),
        (PgType::Int4Array, "{1,2", "22P02"),
        (PgType::Int4Array, "{1,,2}", "22P02"),
        (PgType::Int4Array, "{x}", "22P02"),
        (PgType::Int4Array, "{{1},{2,3}}", "22P02"),
        (PgType::Int4Array, "[2:1]={1}", "2202E"),
        (PgType::TextArray, "{\"a}", "22P02"),
        (PgType::TextArray, "{a\\", "22P02"),
    ] {
        assert_eq!(text(pg_type, value), Err(state), "{pg_type:?} {value:?}");
    }
    let bytes = decode_parameter(PgType::Text, Format::Text, b"\xff\xfe", &UTC).unwrap_err();
    assert_eq!(bytes.state.0, "22021");
}

#[test]
fn text_is_read_in_every_form_that_drivers_send() {
    let timestamp = |value: &str| text(PgType::Timestamptz, value);
    let noon = Ok(Parameter::Timestamp(1_577_880_000_000_000));
    assert_eq!(timestamp("2020-01-01 12:00:00+00"), noon);
    assert_eq!(timestamp("2020-01-01T12:00:00Z"), noon);
    assert_eq!(timestamp("2020-01-01 17:30+05:30"), noon);
    assert_eq!(timestamp("2020-01-01 13:00:00.000 Europe/Berlin"), noon);
    assert_eq!(timestamp("2020-01-01 12:00"), noon);
    assert_eq!(text(PgType::Int4, " 0x1F "), Ok(Parameter::Int(31)));
    assert_eq!(text(PgType::Int8, "-9223372036854775808"), Ok(Parameter::Int(i64::MIN)));
    assert_eq!(text(PgType::Int4, "1_000"), Ok(Parameter::Int(1_000)));
    assert_eq!(text(PgType::Bool, " YES "), Ok(Parameter::Bool(true)));
    for (value, plain) in [
        ("1.50", "1.50"),
        ("-.5", "-0.5"),
        ("+1e3", "1000"),
        ("15e-3", "0.015"),
        ("-0.0", "0.0"),
        ("007", "7"),
        ("0e5", "0"),
    ] {
        assert_eq!(
            text(PgType::Numeric, value),
            Ok(Parameter::Numeric(plain.to_owned())),
            "{value}"
        );
    }
    let words = ["a", "b c", "NULL", "", "x\\y"].map(|word| Parameter::Text(word.to_owned()));
    let mut expected = words.to_vec();
    expected.push(Parameter::Null);
    assert_eq!(
        text(PgType::TextArray, " { a , \"b c\",\"NULL\",\"\",x\\\\y, null } "),
        Ok(Parameter::Array(expected))
    );
}

#[test]
fn numbers_at_the_limit_of_numeric_are_read_and_the_next_are_not() {
    let whole = "9".repeat(numeric::WHOLE_DIGITS_MAX);
    assert!(text(PgType::Numeric, &whole).is_ok());
    assert_eq!(text(PgType::Numeric, &format!("{whole}0")), Err("22003"));
    let fraction = format!("0.{}", "1".repeat(numeric::FRACTION_DIGITS_MAX));
    assert!(text(PgType::Numeric, &fraction).is_ok());
    assert_eq!(text(PgType::Numeric, &format!("{fraction}1")), Err("22003"));
}

#[test]
fn short_binary_is_a_protocol_violation_and_long_binary_a_wrong_format() {
    for (pg_type, bytes) in [
        (PgType::Bool, 1),
        (PgType::Char, 1),
        (PgType::Int2, 2),
        (PgType::Int4, 4),
        (PgType::Int8, 8),
        (PgType::Oid, 4),
        (PgType::Float4, 4),
        (PgType::Float8, 8),
        (PgType::Date, 4),
        (PgType::Time, 8),
        (PgType::Timestamptz, 8),
        (PgType::Interval, 16),
        (PgType::Uuid, 16),
        (PgType::Numeric, 8),
        (PgType::Regclass, 4),
    ] {
        let value = vec![0; bytes + 1];
        assert!(binary(pg_type, &value[..bytes]).is_ok(), "{pg_type:?}");
        assert_eq!(binary(pg_type, &value[..bytes - 1]), Err("08P01"), "{pg_type:?}");
        assert_eq!(binary(pg_type, &value), Err("22P03"), "{pg_type:?}");
    }
}

#[test]
fn binary_arrays_and_numerics_are_checked_before_anything_is_built() {
    let array = |dimensions: i32, oid: u32, count: i32| {
        let mut value = Vec::new();
        for word in [dimensions, 0, oid.cast_signed(), count, 1] {
            value.extend(word.to_be_bytes());
        }
        value
    };
    assert_eq!(binary(PgType::Int4Array, &array(1, 25, 0)), Err("42804"));
    assert_eq!(binary(PgType::Int4Array, &array(2, 23, 0)), Err("08P01"));
    assert_eq!(binary(PgType::Int4Array, &array(7, 23, 0)), Err("54000"));
    assert_eq!(binary(PgType::Int4Array, &array(-1, 23, 0)), Err("22P03"));
    assert_eq!(binary(PgType::Int4Array, &array(1, 23, i32::MAX)), Err("54000"));
    let most = i32::try_from(crate::values::array_text::ELEMENTS_MAX).unwrap();
    assert_eq!(binary(PgType::Int4Array, &array(1, 23, most)), Err("08P01"));
    assert_eq!(binary(PgType::Int4Array, &array(1, 23, most + 1)), Err("54000"));
    assert_eq!(binary(PgType::Numeric, &[0xff, 0xff, 0, 0, 0, 0, 0, 0]), Err("08P01"));
    assert_eq!(binary(PgType::Numeric, &[0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10]), Err("22P03"));
    let nan = Parameter::Numeric("NaN".to_owned());
    assert_eq!(binary(PgType::Numeric, &[0, 0, 0, 0, 0xc0, 0, 0, 0]), Ok(nan));
    assert_eq!(
        binary(PgType::Numeric, &[0, 1, 0xff, 0xff, 0, 0, 0, 0, 0, 1]),
        Err("22P03"),
        "a digit beyond the scale"
    );
}

proptest! {
    #[test]
    fn random_values_never_panic(
        oid in prop::sample::select((0..6_000).filter(|&oid| PgType::from_oid(oid).is_some()).collect::<Vec<_>>()),
        value in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let pg_type = PgType::from_oid(oid).unwrap();
        let _ = binary(pg_type, &value);
        let _ = decode_parameter(pg_type, Format::Text, &value, &UTC);
    }

    #[test]
    fn words_near_to_valid_ones_never_panic(
        oid in prop::sample::select((0..6_000).filter(|&oid| PgType::from_oid(oid).is_some()).collect::<Vec<_>>()),
        value in "[-+{}\",.:0-9eTZBCnaif\\\\x ä]{0,24}",
    ) {
        let _ = text(PgType::from_oid(oid).unwrap(), &value);
    }

    #[test]
    fn mutated_fixture_values_never_panic(index in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let values = fixtures::values();
        let Value { pg_type, binary, style, .. } = index.get(values);
        let mut binary = binary.clone();
        if !binary.is_empty() {
            let at = at.index(binary.len());
            binary[at] = byte;
        }
        let _ = decode_parameter(*pg_type, Format::Binary, &binary, &style.zone);
    }
}
