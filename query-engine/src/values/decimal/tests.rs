//! What PostgreSQL 16 computes.

use super::*;

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

/// Operation, operands, and what PostgreSQL 16 prints.
#[test]
fn results_have_the_digits_and_scales_of_postgresql() {
    type Operation = fn(&Decimal, &Decimal) -> Result<Decimal, QueryError>;
    let cases: &[(Operation, &str, &str, &str)] = &[
        (Decimal::add, "1.10", "2.345", "3.445"),
        (Decimal::add, "Infinity", "-Infinity", "NaN"),
        (Decimal::subtract, "1", "1.000", "0.000"),
        (Decimal::multiply, "1.10", "2.0", "2.200"),
        (Decimal::multiply, "Infinity", "0", "NaN"),
        (Decimal::divide, "1", "3", "0.33333333333333333333"),
        (Decimal::divide, "10", "3", "3.3333333333333333"),
        (Decimal::divide, "2", "3", "0.66666666666666666667"),
        (Decimal::divide, "100000", "3", "33333.333333333333"),
        (Decimal::divide, "1", "Infinity", "0"),
        (Decimal::remainder, "-7.5", "2", "-1.5"),
        (Decimal::divide_whole, "7.9", "2", "3"),
    ];
    for (operation, left, right, expected) in cases {
        let result = operation(&decimal(left), &decimal(right)).unwrap();
        assert_eq!(result.to_text(), *expected, "{left}, {right}");
    }
    assert_eq!(decimal("2").sqrt().unwrap().to_text(), "1.414213562373095");
    assert_eq!(decimal("2.5").round(0).to_text(), "3");
    assert_eq!(decimal("-2.5").round(0).to_text(), "-3");
    assert_eq!(decimal("1234.5").round(-2).to_text(), "1200");
    assert_eq!(decimal("-1.5").floor(false).to_text(), "-2");
    assert_eq!(decimal("1.1").floor(true).to_text(), "2");
    assert_eq!(Decimal::from_float(0.1, 15).to_text(), "0.1");
}

#[test]
fn nan_is_the_largest_and_scales_do_not_count_in_comparisons() {
    let order = ["-Infinity", "-1", "0.0", "1.50", "2", "Infinity", "NaN"];
    for (at, left) in order.iter().enumerate() {
        for (other, right) in order.iter().enumerate() {
            assert_eq!(decimal(left).compare(&decimal(right)), at.cmp(&other));
        }
    }
    assert_eq!(decimal("1.0"), decimal("1.000"));
}

#[test]
fn limits_are_those_of_postgresql() {
    let large = decimal("1e131071");
    assert_eq!(large.multiply(&large).unwrap_err().state.0, "22003");
    assert_eq!(decimal("12.345").fitted(4, 2).unwrap().to_text(), "12.35");
    assert_eq!(decimal("123.4").fitted(4, 2).unwrap_err().state.0, "22003");
    assert_eq!(decimal("NaN").fitted(4, 2).unwrap().to_text(), "NaN");
    assert_eq!(decimal("Infinity").fitted(4, 2).unwrap_err().state.0, "22003");
    assert_eq!(decimal("1").divide(&decimal("0.0")).unwrap_err().state.0, "22012");
}
