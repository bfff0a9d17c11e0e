//! Relations that clients made, by their names, and views over what only the evaluator reads.

use super::super::plan::QueryPlan;
use super::Binder;
use super::from::leaf_column;
use super::scope::{Context, LeafColumn};
use crate::catalog::resolve::OID_SCHEMA;
use crate::limits::NESTING_MAX;
use crate::objects::{Object, UserView};
use crate::session::parsed_query;
use crate::{QueryError, SqlState};

impl Binder<'_> {
    /// The relation that a name finds, if a client made it. Views name theirs by object id.
    pub(super) fn object(&self, parts: &[String]) -> Option<&Object> {
        let view = self.env.view;
        match parts {
            [schema, oid] if schema == OID_SCHEMA => {
                let is_inside = self.view_depth.get() > 0;
                view.objects.by_oid(oid.parse().ok().filter(|_| is_inside)?)
            }
            parts => view.object(parts),
        }
    }

    /// The query of a view, run with the privileges of its owner.
    ///
    /// # Errors
    /// 42P17 for views that read one another.
    pub(super) fn client_view(&self, view: &UserView) -> Result<QueryPlan, QueryError> {
        let depth = self.view_depth.get();
        if depth >= NESTING_MAX {
            return Err(QueryError::new(
                SqlState("42P17"),
                format!("infinite recursion detected in rules for relation \"{}\"", view.head.name),
            ));
        }
        let query = parsed_query(&view.query)?;
        self.view_depth.set(depth + 1);
        let outer = self.role.replace(view.head.owner.clone());
        let planned = self.query(&query, Context::default());
        self.role.replace(outer);
        self.view_depth.set(depth);
        let mut plan = planned?;
        self.settle_unknown(&mut plan)?;
        if plan.columns.len() != view.columns.len() {
            return Err(crate::error::map::internal());
        }
        Ok(plan)
    }
}

/// Columns of a view as its readers see them.
pub(super) fn view_columns(view: &UserView) -> Vec<LeafColumn> {
    let columns = view.columns.iter().zip(1_i16..);
    columns
        .map(|(column, number)| LeafColumn {
            modifier: column.type_modifier,
            origin: (view.head.oid, number),
            ..leaf_column(&column.name, column.pg_type.oid())
        })
        .collect()
}
