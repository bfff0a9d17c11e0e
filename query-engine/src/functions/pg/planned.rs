//! Functions that were written for the planner (`functions::sql`), for statements that run row by row: the
//! same bodies, their values carried over.

use datafusion::arrow::datatypes::i256;
use datafusion::scalar::ScalarValue;
use num_bigint::BigInt;

use super::Call;
use crate::QueryError;
use crate::catalog_query::Value;
use crate::catalog_query::result::array;
use crate::catalog_query::stored::value_at;
use crate::catalog_query::types::{self, TypeOid};
use crate::error::map::query_error;
use crate::functions::sql::{Overload, RowCall};
use crate::types::numeric::{NUMERIC_DIGITS_MAX, out_of_range};
use crate::values::decimal::Decimal;

/// Value of a call whose arguments are not null and have the types of the overload.
///
/// # Errors
/// What the function reports; 22003 for a number that the planner's type does not hold.
pub(super) fn call(
    overload: &'static Overload,
    call: &Call<'_>,
    result: TypeOid,
) -> Result<Value, QueryError> {
    let values = call.arguments.iter().zip(call.types);
    let values = values.map(|(value, oid)| scalar(call, value, *oid));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    let zone = call.env.style().zone;
    let found = overload.run(&RowCall { values: &values, zone })?;
    let found = found.to_array().map_err(|error| query_error(&error))?;
    value_at(call.env, &*found, 0, result)
}

fn scalar(call: &Call<'_>, value: &Value, oid: TypeOid) -> Result<ScalarValue, QueryError> {
    if let Value::Numeric(number) = value {
        return decimal(number);
    }
    // A number that only became `numeric` by its place.
    if let (Value::Int(whole), types::NUMERIC) = (value, oid) {
        return decimal(&Decimal::from_int(*whole));
    }
    let values = array(call.env, &[value], oid);
    ScalarValue::try_from_array(&values, 0).map_err(|error| query_error(&error))
}

fn decimal(number: &Decimal) -> Result<ScalarValue, QueryError> {
    let Decimal::Finite { digits, scale } = number else { return Err(out_of_range()) };
    let scale = i8::try_from(*scale).map_err(|_| out_of_range())?;
    let digits = fitting(digits).ok_or_else(out_of_range)?;
    Ok(ScalarValue::Decimal256(Some(digits), NUMERIC_DIGITS_MAX, scale))
}

fn fitting(digits: &BigInt) -> Option<i256> {
    let bytes = digits.to_signed_bytes_be();
    let sign = if digits.sign() == num_bigint::Sign::Minus { 0xff } else { 0 };
    let mut wide = [sign; 32];
    let start = wide.len().checked_sub(bytes.len())?;
    wide[start..].copy_from_slice(&bytes);
    let limit = BigInt::from(10).pow(u32::from(NUMERIC_DIGITS_MAX));
    (digits.magnitude() < limit.magnitude()).then(|| i256::from_be_bytes(wide))
}
