//! Set-returning functions as lists: `unnest` of the list gives the rows, in FROM and in a select list.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Builder, ListBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Name of the function that numbers the rows of lists that are unfolded together.
pub(crate) const ORDINALS: &str = "ergosql_ordinals";

/// Columns of a set-returning function and the functions that give their lists; an empty name is that of the
/// function.
type Columns = &'static [(&'static str, &'static str)];

const LISTS: &[(&str, Columns)] = &[
    ("generate_series", &[("", "generate_series")]),
    ("regexp_split_to_table", &[("", "regexp_split_to_array")]),
    ("string_to_table", &[("", "string_to_array")]),
    ("jsonb_array_elements_text", &[("value", "jsonb_array_elements_text")]),
    ("json_array_elements_text", &[("value", "json_array_elements_text")]),
    ("jsonb_object_keys", &[("", "jsonb_object_keys")]),
    ("jsonb_each_text", &[("key", "jsonb_object_keys"), ("value", "ergosql_json_values")]),
];

/// The lists of the set-returning function `name`.
pub(crate) fn list_of(name: &str) -> Option<Columns> {
    LISTS.iter().find(|(known, _)| *known == name).map(|found| found.1)
}

/// The function [`ORDINALS`]: the numbers from 1 to the length of the longest list.
pub(crate) fn ordinals() -> ScalarUDF {
    let signature = Signature::variadic_any(Volatility::Immutable);
    ScalarUDF::new_from_impl(Ordinals { signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Ordinals {
    signature: Signature,
}

impl ScalarUDFImpl for Ordinals {
    fn name(&self) -> &str {
        ORDINALS
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let lists = args
            .args
            .into_iter()
            .map(|arg| arg.into_array(rows))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let mut builder = ListBuilder::new(Int64Builder::new());
        for row in 0..rows {
            let length = |list: &ArrayRef| {
                let list = list.as_list_opt::<i32>()?;
                list.is_valid(row).then(|| i64::from(list.value_length(row)))
            };
            let longest = lists.iter().filter_map(length).max().unwrap_or(0);
            for number in 1..=longest {
                builder.values().append_value(number);
            }
            builder.append(true);
        }
        Ok(ColumnarValue::Array(Arc::new(builder.finish())))
    }
}
