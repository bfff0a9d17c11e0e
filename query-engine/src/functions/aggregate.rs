//! `sum` and `avg` that never wrap and never round an amount.
//!
//! Invariants
//! - `sum` of integers, decimals and 256-bit integers is exact, or 22003.
//! - `avg` of them has the digits that PostgreSQL's division gives, or is 22003.

mod state;

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature,
    Volatility,
};

use crate::functions::aggregate::state::{Groups, Single};
use crate::types::class::{Class, type_name};
use crate::types::numeric::{NUMERIC_DIGITS_MAX, QUOTIENT_SCALE};
use crate::{QueryError, SqlState};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Sum,
    Avg,
}

/// `sum` and `avg`, to be registered over the built-in names.
pub(crate) fn checked_aggregates() -> Vec<Arc<AggregateUDF>> {
    [Kind::Sum, Kind::Avg]
        .into_iter()
        .map(|kind| {
            Arc::new(AggregateUDF::new_from_impl(CheckedAggregate {
                kind,
                signature: Signature::user_defined(Volatility::Immutable),
            }))
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedAggregate {
    kind: Kind,
    signature: Signature,
}

impl CheckedAggregate {
    fn no_function(&self, types: &[DataType]) -> QueryError {
        let types: Vec<_> = types.iter().map(type_name).collect();
        QueryError::new(
            SqlState::UNDEFINED_FUNCTION,
            format!("function {}({}) does not exist", self.name(), types.join(", ")),
        )
        .with_hint(
            "No function matches the given name and argument types. You might need to add explicit type casts.",
        )
    }
}

/// Scale of the unscaled integers that are added up.
fn input_scale(data_type: &DataType) -> i8 {
    match Class::of(data_type) {
        Class::Decimal(_, scale) => scale,
        _ => 0,
    }
}

impl AggregateUDFImpl for CheckedAggregate {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Sum => "sum",
            Kind::Avg => "avg",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [one] = types else { return Err(self.no_function(types).into()) };
        Ok(vec![match (Class::of(one), one) {
            (Class::Int2 | Class::Int4, _) => DataType::Int32,
            (Class::Int8, DataType::UInt64) => DataType::Decimal128(20, 0),
            (Class::Int8 | Class::Null, _) => DataType::Int64,
            (Class::Decimal(..), DataType::Decimal128(..) | DataType::Decimal256(..))
            | (Class::Uint256, _) => one.clone(),
            (Class::Decimal(precision, scale), _) => DataType::Decimal128(precision, scale),
            (Class::Float, _) => DataType::Float64,
            _ => return Err(self.no_function(types).into()),
        }])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [one] = types else { return Err(self.no_function(types).into()) };
        let scale = input_scale(one);
        Ok(match (Class::of(one), self.kind) {
            (Class::Float, _) => DataType::Float64,
            (Class::Int2 | Class::Int4, Kind::Sum) => DataType::Int64,
            // 2^63 values of at most 2^63 have 38 digits.
            (Class::Int8 | Class::Null, Kind::Sum) => DataType::Decimal128(38, 0),
            (_, Kind::Sum) => DataType::Decimal256(NUMERIC_DIGITS_MAX, scale),
            (_, Kind::Avg) => DataType::Decimal256(NUMERIC_DIGITS_MAX, scale.max(QUOTIENT_SCALE)),
        })
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let input = args.expr_fields.first().map_or(DataType::Int64, |f| f.data_type().clone());
        Ok(Box::new(Single::new(
            self.kind,
            args.is_distinct,
            input_scale(&input),
            args.return_field.data_type().clone(),
        )))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let is_float = args.return_field.data_type() == &DataType::Float64;
        let total = if is_float { DataType::Float64 } else { DataType::Binary };
        if args.is_distinct {
            let item = Arc::new(Field::new_list_field(total, true));
            let name = format_state_name(args.name, "distinct");
            return Ok(vec![Arc::new(Field::new(name, DataType::List(item), true))]);
        }
        Ok(vec![
            Arc::new(Field::new(format_state_name(args.name, "total"), total, true)),
            Arc::new(Field::new(format_state_name(args.name, "count"), DataType::Int64, true)),
        ])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let input = args.expr_fields.first().map_or(DataType::Int64, |f| f.data_type().clone());
        Ok(Box::new(Groups::new(
            self.kind,
            input_scale(&input),
            args.return_field.data_type().clone(),
        )))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        ScalarValue::try_from(data_type)
    }
}
