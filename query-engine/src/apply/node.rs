//! The node of the logical plan.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, DFSchema, DFSchemaRef, Result};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};

/// What is wanted of the subquery for each row of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    /// Its one value; NULL where it has no row.
    Value,
    /// Whether it has a row.
    Exists,
    /// All values of its column, as a list.
    List,
    /// Its rows, beside the row of the input.
    Rows {
        /// A row of the input without any is kept, with nulls.
        keep: bool,
    },
}

/// `input`, and beside each of its rows what a subquery over that row gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Apply {
    /// Rows that the subquery refers to.
    pub(crate) input: LogicalPlan,
    /// The subquery; outer columns are `OuterReferenceColumn`.
    pub(crate) subquery: Arc<LogicalPlan>,
    /// Outer columns as the subquery names them.
    pub(crate) columns: Vec<Column>,
    /// Their values, over the input; what the input lacks is a reference further out.
    pub(crate) values: Vec<Expr>,
    /// What is wanted.
    pub(crate) wanted: Wanted,
    schema: DFSchemaRef,
}

impl Apply {
    /// A node that adds one column `name`, or the columns of the subquery.
    pub(crate) fn plan(
        input: LogicalPlan,
        subquery: LogicalPlan,
        (columns, values): (Vec<Column>, Vec<Expr>),
        wanted: Wanted,
        name: &str,
    ) -> Result<LogicalPlan> {
        let own = input.schema();
        let mut fields: Vec<_> =
            own.iter().map(|(table, field)| (table.cloned(), Arc::clone(field))).collect();
        let first = || subquery.schema().field(0);
        match wanted {
            Wanted::Exists => {
                fields.push((None, Arc::new(Field::new(name, DataType::Boolean, true))));
            }
            Wanted::Value => {
                let field = first().as_ref().clone().with_name(name).with_nullable(true);
                fields.push((None, Arc::new(field)));
            }
            Wanted::List => {
                let item = first().as_ref().clone().with_name("item").with_nullable(true);
                let list = DataType::List(Arc::new(item));
                fields.push((None, Arc::new(Field::new(name, list, true))));
            }
            Wanted::Rows { .. } => fields.extend(subquery.schema().iter().map(|(table, field)| {
                (table.cloned(), Arc::new(field.as_ref().clone().with_nullable(true)))
            })),
        }
        let schema = Arc::new(DFSchema::new_with_metadata(fields, own.metadata().clone())?);
        let subquery = Arc::new(subquery);
        let node = Self { input, subquery, columns, values, wanted, schema };
        Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }
}

impl PartialOrd for Apply {
    fn partial_cmp(&self, _other: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for Apply {
    fn name(&self) -> &str {
        "Apply"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.values.clone()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Apply: {:?}", self.wanted)
    }

    fn with_exprs_and_inputs(
        &self,
        values: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> Result<Self> {
        let input = inputs.pop().unwrap_or_else(|| self.input.clone());
        // Optimizers narrow the input; the added columns stay the last ones.
        let own = self.input.schema().fields().len();
        let mut fields: Vec<_> = input
            .schema()
            .iter()
            .map(|(table, field)| (table.cloned(), Arc::clone(field)))
            .collect();
        let added = self.schema.iter().skip(own);
        fields.extend(added.map(|(table, field)| (table.cloned(), Arc::clone(field))));
        let metadata = input.schema().metadata().clone();
        let schema = Arc::new(DFSchema::new_with_metadata(fields, metadata)?);
        Ok(Self { input, values, schema, ..self.clone() })
    }
}
