//! Catalog relations for statements that the planner runs, such as a join with chain tables.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{MemTable, TableProvider};

use super::builtin;
use crate::catalog::{CatalogView, PG_TYPE_KEY};
use crate::catalog_query::result::{array, carrier, wire_type};
use crate::catalog_query::{CatalogQuery, Env, Value};

/// The relation `schema.name` of `pg_catalog` or `information_schema`. Called for each reference in
/// a statement; `schema` is one of these two.
pub(crate) fn table(
    schema: &str,
    name: &str,
    view: &Arc<CatalogView>,
) -> Option<Arc<dyn TableProvider>> {
    let relation = builtin::relation(schema, name)?;
    let fields: Vec<Field> = relation
        .columns
        .iter()
        .map(|column| {
            let named = (PG_TYPE_KEY.to_owned(), wire_type(column.type_oid).name().to_owned());
            Field::new(column.name, carrier(column.type_oid), true).with_metadata([named].into())
        })
        .collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let env = Env::new(view);
    let arrays = if relation.definition.is_some() {
        CatalogQuery::view(relation, view).ok()?.columns().to_vec()
    } else {
        let table = view.tables.get(relation, view);
        let column = |at: usize| {
            let values: Vec<&Value> = table.rows.iter().map(|row| &row[at]).collect();
            array(&env, &values, relation.columns[at].type_oid)
        };
        (0..relation.columns.len()).map(column).collect()
    };
    let batch = datafusion::arrow::array::RecordBatch::try_new(Arc::clone(&schema), arrays).ok()?;
    MemTable::try_new(schema, vec![vec![batch]])
        .ok()
        .map(|table| Arc::new(table) as Arc<dyn TableProvider>)
}
