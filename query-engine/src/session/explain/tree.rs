//! The operators of a plan as the nodes that PostgreSQL would show.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use regex::Regex;

use super::{Actual, FILES, METRICS, Node, Property};

/// What PostgreSQL charges for one row and for one test of a row.
const ROW_COST: f64 = 0.01;
const OPERATOR_COST: f64 = 0.0025;
/// Rows of an operator without statistics, as PostgreSQL guesses for a table never analysed.
const ROWS_GUESSED: f64 = 1_000.0;
/// Bytes that PostgreSQL guesses for a value without a fixed length.
const VARIABLE_WIDTH: u64 = 32;

/// Operators that move, cut and rename batches.
const HIDDEN: &[&str] = &[
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "ProjectionExec",
    "RepartitionExec",
    "OutputRequirementExec",
    "ScalarSubqueryExec",
];

/// The tree of `plan`; with what its run measured where it has run.
pub(super) fn node(plan: &dyn ExecutionPlan, analyze: bool) -> Node {
    let mut node = made(plan, analyze);
    node.output = columns(&plan.schema());
    node
}

fn made(plan: &dyn ExecutionPlan, analyze: bool) -> Node {
    let children = plan.children();
    let inputs = || children.iter().map(|child| made(child.as_ref(), analyze)).collect::<Vec<_>>();
    if HIDDEN.contains(&plan.name()) && children.len() == 1 {
        return made(children[0].as_ref(), analyze);
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        return filtered(plan, filter, inputs().remove(0), analyze);
    }
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        let keys = sort.expr().iter().map(|key| tidy(&key.to_string())).collect();
        let sorted = Node {
            kind: "Sort",
            properties: vec![("Sort Key", Property::List(keys))],
            children: inputs(),
            ..Node::default()
        };
        let sorted = estimated(sorted, plan, analyze);
        return if sort.fetch().is_some() { limited(sorted, plan, analyze) } else { sorted };
    }
    if let Some(merge) = plan.downcast_ref::<SortPreservingMergeExec>() {
        let input = inputs().remove(0);
        let is_limited = merge.fetch().is_some() && input.kind != "Limit";
        return if is_limited { limited(input, plan, analyze) } else { input };
    }
    if plan.downcast_ref::<GlobalLimitExec>().is_some()
        || plan.downcast_ref::<LocalLimitExec>().is_some()
    {
        let input = inputs().remove(0);
        return if input.kind == "Limit" { input } else { limited(input, plan, analyze) };
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        return aggregated(plan, aggregate, inputs().remove(0), analyze);
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return hash_join(plan, join, inputs(), analyze);
    }
    let node = match plan.name() {
        "UnionExec" | "InterleaveExec" => appended(inputs()),
        "NestedLoopJoinExec" | "CrossJoinExec" => nested_loop(plan, inputs()),
        name => Node {
            properties: scanned(plan, analyze),
            kind: kind_of(name),
            relation: relation(plan),
            children: inputs(),
            ..Node::default()
        },
    };
    estimated(node, plan, analyze)
}

fn kind_of(name: &str) -> &'static str {
    match name {
        "DataSourceExec" => "Seq Scan",
        "LazyMemoryExec" => "Function Scan",
        "EmptyExec" | "PlaceholderRowExec" => "Result",
        "SortMergeJoinExec" => "Merge Join",
        "WindowAggExec" | "BoundedWindowAggExec" => "WindowAgg",
        "UnnestExec" => "ProjectSet",
        "RecursiveQueryExec" => "Recursive Union",
        "WorkTableExec" => "WorkTable Scan",
        _ => "Custom Scan",
    }
}

/// A condition stands with the operator that it tests the rows of.
fn filtered(plan: &dyn ExecutionPlan, filter: &FilterExec, input: Node, analyze: bool) -> Node {
    let condition = format!("({})", tidy(&filter.predicate().to_string()));
    let mut node = input;
    let tests = node.rows;
    node.properties.push(("Filter", Property::Text(condition)));
    let before = node.total_cost;
    node = with_rows(node, plan, analyze);
    node.total_cost = before + tests * OPERATOR_COST;
    node
}

fn limited(input: Node, plan: &dyn ExecutionPlan, analyze: bool) -> Node {
    let startup = input.startup_cost;
    let node = Node { kind: "Limit", children: vec![input], ..Node::default() };
    let mut node = estimated(node, plan, analyze);
    node.startup_cost = startup;
    node
}

fn aggregated(
    plan: &dyn ExecutionPlan,
    aggregate: &AggregateExec,
    input: Node,
    analyze: bool,
) -> Node {
    // The second phase of one aggregation stands for both.
    let input = match input.kind {
        "Aggregate" if *aggregate.mode() != AggregateMode::Partial => {
            let mut input = input;
            input.children.pop().unwrap_or_default()
        }
        _ => input,
    };
    let keys: Vec<String> =
        aggregate.group_expr().expr().iter().map(|(key, _)| tidy(&key.to_string())).collect();
    let grouped = !keys.is_empty();
    let node = Node {
        kind: "Aggregate",
        shown: grouped.then_some("HashAggregate"),
        properties: if grouped { vec![("Group Key", Property::List(keys))] } else { Vec::new() },
        children: vec![input],
        ..Node::default()
    };
    estimated(node, plan, analyze)
}

fn hash_join(
    plan: &dyn ExecutionPlan,
    join: &HashJoinExec,
    mut inputs: Vec<Node>,
    analyze: bool,
) -> Node {
    let conditions: Vec<String> = join
        .on()
        .iter()
        .map(|(left, right)| {
            format!("({} = {})", tidy(&left.to_string()), tidy(&right.to_string()))
        })
        .collect();
    // The left input is the one that the hash table is built of: PostgreSQL shows it second.
    let built = inputs.remove(0);
    let hash = Node {
        kind: "Hash",
        rows: built.rows,
        width: built.width,
        startup_cost: built.total_cost,
        total_cost: built.total_cost,
        actual: built.actual,
        children: vec![built],
        ..Node::default()
    };
    inputs.push(hash);
    let node = Node {
        kind: "Hash Join",
        properties: vec![
            ("Join Type", Property::Text(join.join_type().to_string())),
            ("Hash Cond", Property::Text(conditions.join(" AND "))),
        ],
        children: inputs,
        ..Node::default()
    };
    estimated(node, plan, analyze)
}

fn nested_loop(plan: &dyn ExecutionPlan, children: Vec<Node>) -> Node {
    let mut properties = Vec::new();
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        properties.push(("Join Type", Property::Text(join.join_type().to_string())));
        if let Some(filter) = join.filter() {
            let condition = format!("({})", tidy(&filter.expression().to_string()));
            properties.push(("Join Filter", Property::Text(condition)));
        }
    }
    Node { kind: "Nested Loop", properties, children, ..Node::default() }
}

/// Parts of one table, sealed and open, are one scan of it.
fn appended(mut children: Vec<Node>) -> Node {
    let is_scan =
        children.iter().all(|child| child.kind == "Seq Scan" && child.children.is_empty());
    let named = children.iter().find_map(|child| child.relation.clone());
    let is_one = children.iter().all(|child| child.relation.is_none() || child.relation == named);
    if is_scan && is_one && named.is_some() {
        let total_cost = children.iter().map(|child| child.total_cost).sum();
        let files: Vec<String> = children.iter().flat_map(files_of).collect();
        let mut scan = children.swap_remove(0);
        scan.properties.retain(|(name, _)| *name != FILES);
        if !files.is_empty() {
            scan.properties.push((FILES, Property::List(files)));
        }
        (scan.relation, scan.total_cost) = (named, total_cost);
        return scan;
    }
    Node { kind: "Append", children, ..Node::default() }
}

fn files_of(node: &Node) -> Vec<String> {
    let found = node.properties.iter().find_map(|(name, property)| match property {
        Property::List(all) if *name == FILES => Some(all.clone()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn estimated(node: Node, plan: &dyn ExecutionPlan, analyze: bool) -> Node {
    let mut node = with_rows(node, plan, analyze);
    let (inputs, input_rows) = node
        .children
        .iter()
        .fold((0.0, 0.0), |(cost, rows), child| (cost + child.total_cost, rows + child.rows));
    let own = match node.kind {
        // A row is compared with some others.
        "Sort" => input_rows * input_rows.max(2.0).log2() * OPERATOR_COST,
        "Seq Scan" | "Function Scan" | "Result" => node.rows * ROW_COST,
        _ => input_rows * OPERATOR_COST,
    };
    let waits = matches!(node.kind, "Sort" | "Aggregate");
    node.startup_cost = if waits { inputs + own } else { 0.0 };
    node.total_cost =
        inputs + own + if node.children.is_empty() { 0.0 } else { node.rows * ROW_COST };
    node
}

fn with_rows(mut node: Node, plan: &dyn ExecutionPlan, analyze: bool) -> Node {
    let statistics = StatisticsContext::new().compute(plan, &StatisticsArgs::default());
    let rows = statistics.map_or(Precision::Absent, |statistics| statistics.num_rows);
    node.rows = rows.get_value().map_or(ROWS_GUESSED, |rows| *rows as f64).max(1.0);
    node.width = plan.schema().fields().iter().map(|field| width(field.data_type())).sum();
    if analyze {
        let metrics = plan.metrics();
        let rows = metrics.as_ref().and_then(|metrics| metrics.output_rows());
        let time = metrics.as_ref().and_then(|metrics| metrics.elapsed_compute());
        node.actual = Some(Actual {
            rows: rows.unwrap_or_default(),
            milliseconds: time.unwrap_or_default() as f64 / 1e6,
        });
    }
    node
}

fn width(data_type: &DataType) -> u64 {
    match data_type {
        DataType::FixedSizeBinary(bytes) => u64::try_from(*bytes).unwrap_or(VARIABLE_WIDTH),
        other => other.primitive_width().map_or(VARIABLE_WIDTH, |bytes| bytes as u64),
    }
}

fn columns(schema: &SchemaRef) -> Vec<String> {
    let shown = |name: &String| crate::session::naming::shown(name).to_owned();
    schema.fields().iter().map(|field| shown(field.name())).collect()
}

/// What VERBOSE says of a scan: its files and, after a run, all that was counted.
fn scanned(plan: &dyn ExecutionPlan, analyze: bool) -> Vec<(&'static str, Property)> {
    let mut properties = files(plan);
    let metrics = plan.metrics().filter(|_| analyze && plan.name() == "DataSourceExec");
    if let Some(metrics) = metrics {
        let metrics = metrics.aggregate_by_name().sorted_for_display();
        let counted = metrics.iter().map(ToString::to_string).collect();
        properties.push((METRICS, Property::List(counted)));
    }
    properties
}

/// The files that a scan reads, as `ergo.segments` names them.
fn files(plan: &dyn ExecutionPlan) -> Vec<(&'static str, Property)> {
    static FILE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[^\[\], ]+\.parquet").expect("a pattern of ours"));
    if plan.name() != "DataSourceExec" {
        return Vec::new();
    }
    let shown = displayable(plan).one_line().to_string();
    let found: BTreeSet<String> =
        FILE.find_iter(&shown).map(|found| found.as_str().to_owned()).collect();
    if found.is_empty() {
        return Vec::new();
    }
    vec![(FILES, Property::List(found.into_iter().collect()))]
}

/// The table that a scan reads, by the names of its files: `network/table-first-last-hash.parquet`.
fn relation(plan: &dyn ExecutionPlan) -> Option<String> {
    static FILE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[\[ ][^/\[\] ,]+/([a-z_]+)-\d+-\d+-").expect("a pattern of ours")
    });
    match plan.name() {
        "LazyMemoryExec" => Some("generate_series".to_owned()),
        "DataSourceExec" => {
            let shown = displayable(plan).one_line().to_string();
            FILE.captures(&shown).map(|found| found[1].to_owned())
        }
        _ => None,
    }
}

/// An expression without the planner's column numbers and type names.
fn tidy(expression: &str) -> String {
    static NUMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"([A-Za-z0-9_)])@\d+").expect("a pattern of ours"));
    let text = NUMBER.replace_all(expression, "$1");
    let text = text.trim_end_matches(" NULLS LAST").trim_end_matches(" ASC");
    text.replace(crate::session::naming::MARKER, "")
}
