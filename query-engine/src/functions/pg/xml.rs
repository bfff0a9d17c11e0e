//! Functions that make `xml`.

use super::{Entry, with_nulls};
use crate::catalog_query::Value;

pub(super) const FUNCTIONS: &[Entry] = &[with_nulls("xmlconcat(xml...) xml", |call| {
    let parts: Vec<&Value> = call.arguments.iter().filter(|part| !part.is_null()).collect();
    if parts.is_empty() {
        return Ok(Value::Null);
    }
    Ok(Value::text(parts.iter().map(|part| part.as_text()).collect::<String>()))
})];
