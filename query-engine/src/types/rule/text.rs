//! The rule that gives casts to text PostgreSQL's forms. It runs after type coercion, whose casts it sees too.

use std::any::Any;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use crate::functions::text_form::TextForm;
use crate::values::TextStyle;

/// How the session that plans a query shows values; part of its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionStyle(pub(crate) TextStyle);

impl ConfigExtension for SessionStyle {
    const PREFIX: &'static str = "ergosql_style";
}

impl ExtensionOptions for SessionStyle {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> Result<()> {
        Err(super::internal(&format!("{key} is not set by name")))
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// The rule.
#[derive(Debug)]
pub(crate) struct TextOfValues;

impl AnalyzerRule for TextOfValues {
    fn name(&self) -> &str {
        "text_of_values"
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let style = config.extensions.get::<SessionStyle>().cloned().unwrap_or_default().0;
        let decided = plan.transform_up_with_subqueries(|plan| {
            if matches!(plan, LogicalPlan::TableScan(_) | LogicalPlan::Limit(_)) {
                return Ok(Transformed::no(plan));
            }
            let schema = merge_schema(&plan.inputs());
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let decided = expr.transform_up(|expr| decide(expr, &schema, &style))?;
                Ok(decided.update_data(|expr| name.restore(expr)))
            })?
            .map_data(LogicalPlan::recompute_schema)
        })?;
        Ok(decided.data)
    }
}

fn decide(expr: Expr, schema: &DFSchema, style: &TextStyle) -> Result<Transformed<Expr>> {
    let Expr::Cast(Cast { expr: inner, field }) = &expr else { return Ok(Transformed::no(expr)) };
    let is_text =
        matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if !is_text || !TextForm::is_for(&inner.get_type(schema)?) {
        return Ok(Transformed::no(expr));
    }
    let text = TextForm::call(style.clone(), (**inner).clone());
    // The cast stays where it names a type other than text.
    let named = *field.data_type() != DataType::Utf8 || !field.metadata().is_empty();
    Ok(Transformed::yes(if named {
        Expr::Cast(Cast::new_from_field(Box::new(text), field.clone()))
    } else {
        text
    }))
}
