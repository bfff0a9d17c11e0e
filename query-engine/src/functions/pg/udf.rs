//! The same functions for statements that the planner runs.
//!
//! A function is registered under its bare name, unless the planner already has one of that name whose
//! arguments are ordinary (`lower`, `replace`): those are faster there and mean the same.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    TypeSignature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::{Call, REGISTRY, Resolved, resolve};
use crate::catalog::{CatalogView, PG_TYPE_KEY, named_pg_type};
use crate::catalog_query::result::{array, carrier, wire_type};
use crate::catalog_query::stored::value_at;
use crate::catalog_query::types::{self, TypeOid};
use crate::catalog_query::{Env, Value, text};
use crate::values::other::range_parts;
use crate::{PgType, QueryError};

/// Functions that read the session's settings or change them are run once for each call.
const VOLATILE: &[&str] = &[
    "set_config",
    "pg_notify",
    "pg_cancel_backend",
    "pg_terminate_backend",
    "nextval",
    "setval",
    "currval",
    "lastval",
    "random",
    "gen_random_uuid",
    "array_shuffle",
    "array_sample",
];

/// Adds the functions of schema `pg_catalog` to a session.
pub(crate) fn register(state: &mut SessionState, view: &Arc<CatalogView>) {
    use datafusion::execution::FunctionRegistry;
    for (name, overloads) in REGISTRY.iter() {
        let is_scalar = overloads.iter().all(|function| !function.is_set());
        // One of ours holds the view of before.
        let is_other =
            |udf: Arc<ScalarUDF>| udf.inner().downcast_ref::<CatalogFunction>().is_none();
        if !is_scalar || state.udf(name).is_ok_and(is_other) {
            continue;
        }
        let volatility =
            if VOLATILE.contains(name) { Volatility::Volatile } else { Volatility::Stable };
        let udf = CatalogFunction {
            name,
            signature: Signature::one_of(
                vec![TypeSignature::Nullary, TypeSignature::VariadicAny],
                volatility,
            ),
            view: Arc::clone(view),
        };
        // Only a registry that refuses names could fail, and the session's own does not.
        let _ = state.register_udf(Arc::new(ScalarUDF::from(udf)));
    }
}

/// One function of the registry, all overloads.
#[derive(Debug)]
struct CatalogFunction {
    name: &'static str,
    signature: Signature,
    view: Arc<CatalogView>,
}

impl PartialEq for CatalogFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.view, &other.view)
    }
}

impl Eq for CatalogFunction {}

impl Hash for CatalogFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

fn external(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// PostgreSQL's type of an argument, and of any other field.
pub(crate) fn type_of(field: &Field) -> TypeOid {
    if let Some(pg_type) = named_pg_type(field) {
        return pg_type.oid();
    }
    match field.data_type() {
        DataType::Boolean => types::BOOL,
        DataType::Int8 | DataType::Int16 => types::INT2,
        DataType::Int32 => types::INT4,
        DataType::UInt32 => types::OID,
        DataType::Int64 => types::INT8,
        DataType::Float32 => types::FLOAT4,
        DataType::Float64 => types::FLOAT8,
        DataType::Timestamp(_, None) => PgType::Timestamp.oid(),
        DataType::Timestamp(..) => types::TIMESTAMPTZ,
        DataType::Date32 => PgType::Date.oid(),
        DataType::Time64(_) => PgType::Time.oid(),
        DataType::Interval(_) | DataType::Duration(_) => PgType::Interval.oid(),
        DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            PgType::Bytea.oid()
        }
        DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::LargeBinary => {
            PgType::Numeric.oid()
        }
        DataType::List(inner) => types::array_of(type_of(inner)).unwrap_or(types::ANYARRAY),
        _ => types::TEXT,
    }
}

impl CatalogFunction {
    /// The overload for arguments of these types. An object id that the planner widened is narrowed.
    fn resolve(&self, fields: &[FieldRef]) -> Result<Resolved> {
        let exact: Vec<TypeOid> = fields.iter().map(|field| type_of(field)).collect();
        let loose = || -> Vec<TypeOid> {
            let loosen = |oid: &TypeOid| match *oid {
                types::INT8 | types::TEXT => types::UNKNOWN,
                other => other,
            };
            exact.iter().map(loosen).collect()
        };
        resolve(self.name, &exact).or_else(|_| resolve(self.name, &loose())).map_err(external)
    }
}

impl ScalarUDFImpl for CatalogFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal("the type depends on the argument fields".to_owned()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let oid = self.resolve(args.arg_fields)?.returns[0].1;
        if range_parts(oid).is_some() {
            // The planner would take it for the text that it travels as.
            let what = format!("function {}() over these tables", self.name);
            return Err(external(crate::catalog_query::unsupported(what)));
        }
        let field = Field::new(self.name, carrier(oid), true);
        let named = [(PG_TYPE_KEY.to_owned(), wire_type(oid).name().to_owned())];
        Ok(Arc::new(field.with_metadata(named.into())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let found: Vec<TypeOid> = args.arg_fields.iter().map(|field| type_of(field)).collect();
        let resolved = self.resolve(&args.arg_fields)?;
        let env = Env::new(&self.view);
        // A volatile function is called for each row, also on arguments that are the same in all.
        let is_scalar = !VOLATILE.contains(&self.name)
            && args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_scalar { 1 } else { args.number_rows };
        let arrays = args
            .args
            .into_iter()
            .map(|arg| arg.into_array(rows))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let mut results = Vec::with_capacity(rows);
        for row in 0..rows {
            let mut arguments = Vec::with_capacity(arrays.len());
            for ((array, from), to) in arrays.iter().zip(&found).zip(&resolved.argument_types) {
                let value = match self.name {
                    // The type is all that it asks for.
                    "pg_typeof" => Value::Null,
                    _ => value_at(&env, array, row, *from).map_err(external)?,
                };
                arguments.push(text::cast(&env, &value, *from, *to).map_err(external)?);
            }
            let call = Call {
                name: self.name,
                env: &env,
                types: &resolved.argument_types,
                arguments: &arguments,
            };
            results.push(resolved.function.call(&call).map_err(external)?);
        }
        let results: Vec<&Value> = results.iter().collect();
        // Types that travel as text do so in one form, whatever the session's settings.
        let result = array(&Env::plain(&self.view), &results, resolved.returns[0].1);
        if is_scalar {
            return ScalarValue::try_from_array(&result, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(result))
    }
}
