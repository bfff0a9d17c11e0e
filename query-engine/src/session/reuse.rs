//! Plans that are used again: what a plan may keep between two runs, and what each run has to fetch anew.
//!
//! ```text
//! compiled plan ──tables taken out──> PlanSlot ──same settings──> tables of a snapshot taken now ──> plan to run
//!                                                └ a table that changed: compile again
//! ```
//!
//! Invariants
//! - A kept plan holds no snapshot: it keeps no replaced file alive, and no run sees the blocks of another.
//! - A run on a kept plan gives what planning its text again would give.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::logical_plan::builder::LogicalTableSource;
use datafusion::logical_expr::planner::ContextProvider;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan, Volatility};

use super::catalogs::Route;
use crate::ResultColumn;
use crate::catalog::CatalogView;
use crate::catalog::resolve::Resolver;
use crate::objects::Object;
use crate::types::output::Output;

/// Object ids of the tables that a plan names.
pub(super) type TableIds = HashMap<TableReference, u32>;

/// The settings that decide what a text means. Those that decide which rows it reads (`ergo.finality`,
/// `ergo.allow_gaps`) are read by every run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlanKey {
    search_path: Vec<String>,
    /// The settings that decide how values look as text, and what text without a zone means.
    styles: [Option<String>; 5],
    /// Shape of what clients made, where there are views: their text is in the plan.
    shape: u64,
}

/// Settings that are part of what a plan says, beside the search path.
const STYLE_SETTINGS: [&str; 5] =
    ["TimeZone", "DateStyle", "IntervalStyle", "bytea_output", "extra_float_digits"];

impl PlanKey {
    pub(super) fn of(view: &CatalogView) -> Self {
        let search_path = view.search_path();
        let has_views = view.objects.all().any(|object| matches!(object, Object::View(_)));
        let shape = if has_views { view.objects.shape() } else { 0 };
        let settings = view.settings();
        Self { search_path, styles: STYLE_SETTINGS.map(|name| settings.get(name)), shape }
    }
}

/// A query planned up to the values of its parameters.
pub(super) struct Compiled {
    key: PlanKey,
    /// Before types are decided: operators are open, tables are taken out.
    pub(super) plan: LogicalPlan,
    pub(super) oids: TableIds,
    /// Whether nothing is left to do on it before the physical plan: no parameters, and nothing that
    /// has another value in the next run.
    pub(super) is_fixed: bool,
    /// What the first run of a fixed plan adds.
    pub(super) optimized: OnceLock<Optimized>,
}

/// An optimized plan, its tables taken out, and its columns.
pub(super) struct Optimized {
    pub(super) plan: LogicalPlan,
    pub(super) columns: Arc<[ResultColumn]>,
    pub(super) output: Output,
}

/// Where a prepared statement keeps its plan.
#[derive(Clone, Default)]
pub(crate) struct PlanSlot {
    kept: Arc<Mutex<Option<Arc<Compiled>>>>,
    route: Route,
}

impl std::fmt::Debug for PlanSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanSlot").finish_non_exhaustive()
    }
}

impl PlanSlot {
    /// For a statement whose columns this side described.
    pub(super) fn of(route: Route) -> Self {
        Self { route, ..Self::default() }
    }

    pub(super) fn route(&self) -> Route {
        self.route
    }

    /// The plan that was made under `key`.
    pub(super) fn get(&self, key: &PlanKey) -> Option<Arc<Compiled>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|compiled| compiled.key == *key).cloned()
    }

    pub(super) fn put(&self, compiled: Arc<Compiled>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(compiled);
    }

    #[cfg(test)]
    pub(crate) fn is_filled(&self) -> bool {
        self.kept.lock().unwrap().is_some()
    }

    #[cfg(test)]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kept, &other.kept)
    }
}

impl Compiled {
    /// What can be kept of `plan`; `None` for a plan that must be made anew for each run.
    pub(super) fn keep(
        key: PlanKey,
        plan: &LogicalPlan,
        oids: &TableIds,
        parameter_count: usize,
    ) -> Result<Option<Arc<Self>>> {
        if !names_plain_tables(plan, oids)? {
            return Ok(None);
        }
        Ok(Some(Arc::new(Self {
            key,
            plan: without_tables(plan)?,
            oids: oids.clone(),
            is_fixed: parameter_count == 0 && !depends_on_the_moment(plan)?,
            optimized: OnceLock::new(),
        })))
    }

    /// `plan`, which is this one at some stage, over the tables that `resolver` finds now. `None` when a
    /// name stands for another table than before, or for one with other columns.
    pub(super) fn with_tables(
        &self,
        plan: &LogicalPlan,
        resolver: &Resolver<'_>,
    ) -> Result<Option<LogicalPlan>> {
        let mut is_same = true;
        let replaced = each_scan(plan, |scan| {
            if is_work_table(scan) {
                return Ok(None);
            }
            let source = resolver.get_table_source(scan.table_name.clone())?;
            is_same &= source.schema() == scan.source.schema()
                && resolver.oid(&scan.table_name) == self.oids.get(&scan.table_name).copied();
            Ok(Some(TableScan { source, ..scan.clone() }))
        })?;
        Ok(is_same.then_some(replaced))
    }
}

/// `plan` with nothing but the columns of its tables left.
pub(super) fn without_tables(plan: &LogicalPlan) -> Result<LogicalPlan> {
    each_scan(plan, |scan| {
        if is_work_table(scan) {
            return Ok(None);
        }
        let source = Arc::new(LogicalTableSource::new(scan.source.schema()));
        Ok(Some(TableScan { source, ..scan.clone() }))
    })
}

/// `plan` with each table scan replaced by what `replace` gives, `None` to leave it.
fn each_scan(
    plan: &LogicalPlan,
    mut replace: impl FnMut(&TableScan) -> Result<Option<TableScan>>,
) -> Result<LogicalPlan> {
    let replaced = plan.clone().transform_down_with_subqueries(|node| {
        let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
        Ok(match replace(scan)? {
            Some(scan) => Transformed::yes(LogicalPlan::TableScan(scan)),
            None => Transformed::no(node),
        })
    })?;
    Ok(replaced.data)
}

/// The table of a recursive query's own rows belongs to the plan.
fn is_work_table(scan: &TableScan) -> bool {
    source_as_provider(&scan.source)
        .is_ok_and(|provider| provider.as_ref().downcast_ref::<CteWorkTable>().is_some())
}

/// Whether each scan is of a table that its name finds again. Rows of a function in FROM are made from
/// its arguments while it is planned.
fn names_plain_tables(plan: &LogicalPlan, oids: &TableIds) -> Result<bool> {
    let mut plain = true;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            plain &= is_work_table(scan) != oids.contains_key(&scan.table_name);
        }
        Ok(if plain { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(plain)
}

/// Whether a function in `plan` has another value at another time or under other settings: the optimizer
/// puts the value of such a call into the plan.
fn depends_on_the_moment(plan: &LogicalPlan) -> Result<bool> {
    let mut depends = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr {
                    depends |= call.func.signature().volatility != Volatility::Immutable;
                }
                Ok(if depends { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })
    })?;
    Ok(depends)
}
