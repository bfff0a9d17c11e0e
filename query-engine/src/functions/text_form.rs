//! Values to text as PostgreSQL's output functions write them: what a cast to text is.
//!
//! Arrow prints times, floats and lists in forms of its own, so each cast to text of such a type becomes
//! this function, whether a statement says it or type coercion adds it.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::types::numeric::QUOTIENT_SCALE;
use crate::types::output::Output;
use crate::values::{TextStyle, texts};

/// Text of a value, in the style of the session that planned the query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TextForm {
    style: TextStyle,
    signature: Signature,
}

impl TextForm {
    /// The text of `expr`.
    pub(crate) fn call(style: TextStyle, expr: Expr) -> Expr {
        let udf = Self { style, signature: Signature::any(1, Volatility::Immutable) };
        ScalarUDF::new_from_impl(udf).call(vec![expr])
    }

    /// Whether Arrow's own cast to text of this type differs from PostgreSQL's.
    pub(crate) fn is_for(data_type: &DataType) -> bool {
        let is_quotient =
            matches!(data_type, DataType::Decimal256(_, scale) if *scale >= QUOTIENT_SCALE);
        is_quotient || data_type.is_temporal() || data_type.is_floating() || data_type.is_list()
    }
}

impl Hash for TextForm {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for TextForm {
    fn name(&self) -> &str {
        "text_form"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ([arg], [field]) = (args.args.as_slice(), args.arg_fields.as_slice()) else {
            return Err(DataFusionError::Internal("a cast has one operand".to_owned()));
        };
        let is_scalar = matches!(arg, ColumnarValue::Scalar(_));
        let input = arg.to_array(if is_scalar { 1 } else { args.number_rows })?;
        let found = self.texts(&input, field)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?));
        }
        Ok(ColumnarValue::Array(found))
    }
}

impl TextForm {
    fn texts(
        &self,
        input: &datafusion::arrow::array::ArrayRef,
        field: &FieldRef,
    ) -> Result<datafusion::arrow::array::ArrayRef> {
        // The metadata of the field tells types apart that share a carrier, such as json and text.
        let own =
            Field::new("", input.data_type().clone(), true).with_metadata(field.metadata().clone());
        let own = Arc::new(own);
        let (output, types) = Output::new(&[Arc::clone(&own)])?;
        let schema = Arc::new(Schema::new(vec![own]));
        let batch = RecordBatch::try_new(schema, vec![Arc::clone(input)])?;
        let converted = output.convert(&batch)?;
        Ok(Arc::new(texts(converted.column(0).as_ref(), types[0], &self.style)?))
    }
}
