//! EXPLAIN: the plan of a query under PostgreSQL's names, for people and for tools that read its plans.
//!
//! ```text
//! ExecutionPlan ──tree──> Node (what PostgreSQL would call it) ──format──> text, JSON or YAML
//! ```
//!
//! Costs and rows are estimates of ours: rows from the statistics of stored segments, costs counted as
//! PostgreSQL counts CPU work. Operators that only move batches between threads are not shown.

mod format;
mod tree;

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;
use tokio::time::Instant;

use super::Session;
use super::plan::{Bound, task_error};
use crate::error::map::query_error;
use crate::outcome::Stop;
use crate::statement::{ExplainFormat, ExplainOptions};
use crate::{Outcome, PgType, QueryError, ResultColumn, Rows};

/// Property with the files of a scan, which VERBOSE shows.
const FILES: &str = "Files";

/// Property with everything that a scan's run counted, which VERBOSE shows.
const METRICS: &str = "Metrics";

/// One operator as PostgreSQL would show it.
#[derive(Clone, Debug, Default)]
struct Node {
    /// `Node Type` of the JSON form.
    kind: &'static str,
    /// Name in the text form where it is another, such as `HashAggregate`.
    shown: Option<&'static str>,
    relation: Option<String>,
    properties: Vec<(&'static str, Property)>,
    output: Vec<String>,
    rows: f64,
    width: u64,
    startup_cost: f64,
    total_cost: f64,
    actual: Option<Actual>,
    children: Vec<Node>,
}

#[derive(Clone, Debug)]
enum Property {
    Text(String),
    List(Vec<String>),
}

/// What a run measured.
#[derive(Clone, Copy, Debug)]
struct Actual {
    rows: usize,
    milliseconds: f64,
}

/// Times of planning and of a run, milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    planning: f64,
    execution: Option<f64>,
}

/// The column of an EXPLAIN.
pub(super) fn columns(options: ExplainOptions) -> Arc<[ResultColumn]> {
    let pg_type = match options.format {
        ExplainFormat::Json => PgType::Json,
        ExplainFormat::Text | ExplainFormat::Yaml => PgType::Text,
    };
    Arc::from([ResultColumn::computed("QUERY PLAN", pg_type)])
}

impl Session {
    /// Shows a plan; with ANALYZE after running it.
    pub(super) async fn explain(
        &self,
        bound: Bound,
        options: ExplainOptions,
        planning_since: Instant,
        stop: Stop,
    ) -> Result<Outcome, QueryError> {
        let mut times = Times { planning: milliseconds(planning_since), execution: None };
        if options.analyze {
            let since = Instant::now();
            self.run_for_metrics(&bound, &stop).await?;
            times.execution = Some(milliseconds(since));
        }
        let root = tree::node(bound.physical.as_ref(), options.analyze);
        let lines = match options.format {
            ExplainFormat::Text => format::text(&root, options, times),
            ExplainFormat::Json => vec![format::json(&root, options, times)],
            ExplainFormat::Yaml => vec![format::yaml(&root, options, times)],
        };
        let schema = Schema::new(vec![Field::new("QUERY PLAN", DataType::Utf8, true)]);
        let batch =
            RecordBatch::try_new(Arc::new(schema), vec![Arc::new(StringArray::from(lines))])
                .map_err(|error| query_error(&error.into()))?;
        Ok(Outcome::Rows(Rows::ready(columns(options), "EXPLAIN", batch)))
    }

    async fn run_for_metrics(&self, bound: &Bound, stop: &Stop) -> Result<(), QueryError> {
        let context = self.state.task_ctx();
        let physical = Arc::clone(&bound.physical);
        let task = self.engine.runtime().spawn(async move {
            let mut stream = execute_stream(physical, context)?;
            while let Some(batch) = stream.next().await {
                batch?;
            }
            Ok(())
        });
        let abort = task.abort_handle();
        tokio::select! {
            biased;
            error = stop.wait() => {
                abort.abort();
                Err(error)
            }
            done = task => {
                let done: datafusion::common::Result<()> =
                    done.map_err(|error| task_error(&error))?;
                done.map_err(|error| query_error(&error))
            }
        }
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
