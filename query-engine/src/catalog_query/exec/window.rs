//! Functions over windows.
//!
//! A window is a partition in its order. Each row has peers, which are equal to it in that order, and a
//! frame, a range of positions of the window.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

use super::super::plan::{
    Aggregate, AggregateKind, Expr, FrameBound, FrameUnits, WindowCall, WindowFunction,
};
use super::super::{Row, Value};
use super::aggregate::{Input, finish};
use super::{Executor, Frame, compare_keys};
use crate::{QueryError, SqlState};

/// One partition in its order.
struct Window<'w> {
    /// Sort keys and position among all rows.
    rows: Vec<(Vec<Value>, usize)>,
    /// Of each row: the range of its peers, and the number of that range.
    peers: Vec<(Range<usize>, usize)>,
    /// The frames of query level of all rows.
    kept: &'w [Vec<Row>],
}

impl Executor<'_> {
    /// The frames `kept`, each with one more leaf: the values of the calls.
    pub(super) fn windows(
        &self,
        calls: &[WindowCall],
        kept: Vec<Vec<Row>>,
        frame: &mut Frame<'_>,
    ) -> Result<Vec<Vec<Row>>, QueryError> {
        let mut values: Vec<Vec<Value>> = kept.iter().map(|_| Vec::new()).collect();
        for call in calls {
            let mut windows: HashMap<Row, Vec<(Vec<Value>, usize)>> = HashMap::new();
            for (at, rows) in kept.iter().enumerate() {
                self.step()?;
                frame.rows.clone_from(rows);
                let partition = self.values(&call.partition, frame)?;
                let keys = call.order.iter().map(|key| self.eval(&key.0, frame));
                let keys = keys.collect::<Result<Vec<_>, _>>()?;
                windows.entry(partition).or_default().push((keys, at));
            }
            for mut rows in windows.into_values() {
                rows.sort_by(|left, right| compare(call, &left.0, &right.0));
                let window = Window { peers: peers(call, &rows), rows, kept: &kept };
                let found = self.window(call, &window, frame)?;
                for ((_, at), value) in window.rows.iter().zip(found) {
                    values[*at].push(value);
                }
            }
        }
        let with_values = |(mut rows, values): (Vec<Row>, Vec<Value>)| {
            rows.push(Row::from(values));
            rows
        };
        Ok(kept.into_iter().zip(values).map(with_values).collect())
    }

    /// Values of a call for the rows of one window, in its order.
    fn window(
        &self,
        call: &WindowCall,
        window: &Window<'_>,
        frame: &mut Frame<'_>,
    ) -> Result<Vec<Value>, QueryError> {
        let count = window.rows.len();
        let range_keys = self.range_keys(call, window, frame)?;
        let mut values: Vec<Value> = Vec::with_capacity(count);
        let mut known: Option<(Range<usize>, Value)> = None;
        for at in 0..count {
            let (peers, group) = &window.peers[at];
            let number = |number: usize| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
            values.push(match &call.function {
                WindowFunction::RowNumber => number(at + 1),
                WindowFunction::Rank => number(peers.start + 1),
                WindowFunction::DenseRank => number(group + 1),
                WindowFunction::PercentRank if count < 2 => Value::Float(0.0),
                WindowFunction::PercentRank => {
                    Value::Float(peers.start as f64 / (count - 1) as f64)
                }
                WindowFunction::CumeDist => Value::Float(peers.end as f64 / count as f64),
                WindowFunction::Ntile(buckets) => {
                    let buckets = self.over(window, at, buckets, frame)?;
                    bucket(&buckets, at, count)?
                }
                WindowFunction::Lag { is_ahead, value, offset, default } => {
                    let distance = self.over(window, at, offset, frame)?;
                    let Some(distance) = distance.as_int() else {
                        values.push(Value::Null);
                        continue;
                    };
                    let distance = if *is_ahead { distance } else { -distance };
                    let there = i64::try_from(at).ok().and_then(|at| at.checked_add(distance));
                    let there = there.and_then(|there| usize::try_from(there).ok());
                    match there.filter(|there| *there < count) {
                        Some(there) => self.over(window, there, value, frame)?,
                        None => self.over(window, at, default, frame)?,
                    }
                }
                of_frame => {
                    let range = self.bounds(call, window, at, &range_keys, frame)?;
                    match &known {
                        // Most frames are those of the row before.
                        Some((held, value))
                            if *held == range
                                && !matches!(of_frame, WindowFunction::NthValue(..)) =>
                        {
                            value.clone()
                        }
                        _ => {
                            let value = match (of_frame, &known) {
                                (WindowFunction::Aggregate(aggregate), Some(known)) => {
                                    self.grown(aggregate, window, known, range.clone(), frame)?
                                }
                                _ => self.of_frame(of_frame, window, at, range.clone(), frame)?,
                            };
                            known = Some((range, value.clone()));
                            value
                        }
                    }
                }
            });
        }
        Ok(values)
    }

    /// Value of an expression over row `at` of a window.
    fn over(
        &self,
        window: &Window<'_>,
        at: usize,
        expr: &Expr,
        frame: &mut Frame<'_>,
    ) -> Result<Value, QueryError> {
        frame.rows.clone_from(&window.kept[window.rows[at].1]);
        self.eval(expr, frame)
    }

    /// Value of a function that reads the frame `range` of row `at`.
    fn of_frame(
        &self,
        function: &WindowFunction,
        window: &Window<'_>,
        at: usize,
        range: Range<usize>,
        frame: &mut Frame<'_>,
    ) -> Result<Value, QueryError> {
        match function {
            WindowFunction::FirstValue(expr) if !range.is_empty() => {
                self.over(window, range.start, expr, frame)
            }
            WindowFunction::LastValue(expr) if !range.is_empty() => {
                self.over(window, range.end - 1, expr, frame)
            }
            WindowFunction::NthValue(expr, nth) => {
                let Some(nth) = self.over(window, at, nth, frame)?.as_int() else {
                    return Ok(Value::Null);
                };
                let nth = usize::try_from(nth).unwrap_or(0).checked_sub(1).ok_or_else(|| {
                    QueryError::new(
                        SqlState("22016"),
                        "argument of nth_value must be greater than zero",
                    )
                })?;
                match range.clone().nth(nth) {
                    Some(there) => self.over(window, there, expr, frame),
                    None => Ok(Value::Null),
                }
            }
            WindowFunction::Aggregate(aggregate) => {
                let inputs = self.inputs(aggregate, window, range, frame)?;
                finish(self.env, aggregate, inputs)
            }
            _ => Ok(Value::Null),
        }
    }

    /// Inputs of an aggregate from the rows `range` of a window.
    fn inputs(
        &self,
        aggregate: &Aggregate,
        window: &Window<'_>,
        range: Range<usize>,
        frame: &mut Frame<'_>,
    ) -> Result<Vec<Input>, QueryError> {
        let mut inputs: Vec<Input> = Vec::new();
        for there in range {
            self.step()?;
            frame.rows.clone_from(&window.kept[window.rows[there].1]);
            inputs.extend(self.input(aggregate, frame)?);
        }
        Ok(inputs)
    }

    /// Value of an aggregate over `range`, with the value over an earlier one: running sums grow by the rows
    /// that come to the frame, where that gives what all rows would.
    fn grown(
        &self,
        aggregate: &Aggregate,
        window: &Window<'_>,
        (held, value): &(Range<usize>, Value),
        range: Range<usize>,
        frame: &mut Frame<'_>,
    ) -> Result<Value, QueryError> {
        use AggregateKind as A;
        let is_count = matches!(aggregate.kind, A::Count | A::CountRows);
        let is_running =
            is_count || matches!(aggregate.kind, A::Sum | A::Min | A::Max | A::BoolAnd | A::BoolOr);
        let is_plain = !aggregate.distinct && aggregate.order.is_empty();
        if !is_running || !is_plain || held.start != range.start || held.end > range.end {
            let inputs = self.inputs(aggregate, window, range, frame)?;
            return finish(self.env, aggregate, inputs);
        }
        let mut inputs = self.inputs(aggregate, window, held.end..range.end, frame)?;
        if !is_count {
            inputs.insert(0, Input { keys: Vec::new(), arguments: vec![value.clone()] });
            return finish(self.env, aggregate, inputs);
        }
        let counts = value.as_int().zip(finish(self.env, aggregate, inputs)?.as_int());
        Ok(counts.map_or(Value::Null, |(before, more)| Value::Int(before + more)))
    }

    /// Of RANGE with distances: the value that each row is compared by.
    fn range_keys(
        &self,
        call: &WindowCall,
        window: &Window<'_>,
        frame: &mut Frame<'_>,
    ) -> Result<Vec<Value>, QueryError> {
        let FrameUnits::Range(Some(key)) = &call.frame.units else { return Ok(Vec::new()) };
        (0..window.rows.len()).map(|at| self.over(window, at, key, frame)).collect()
    }

    /// Positions of the frame of row `at`.
    fn bounds(
        &self,
        call: &WindowCall,
        window: &Window<'_>,
        at: usize,
        range_keys: &[Value],
        frame: &mut Frame<'_>,
    ) -> Result<Range<usize>, QueryError> {
        let count = window.rows.len();
        let start = match &call.frame.start {
            FrameBound::Unbounded => 0,
            bound => self.bound(call, window, at, bound, true, range_keys, frame)?,
        };
        let end = match &call.frame.end {
            FrameBound::Unbounded => count,
            bound => self.bound(call, window, at, bound, false, range_keys, frame)?,
        };
        Ok(start..end.max(start))
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one frame, used in one place")]
    fn bound(
        &self,
        call: &WindowCall,
        window: &Window<'_>,
        at: usize,
        bound: &FrameBound,
        is_start: bool,
        range_keys: &[Value],
        frame: &mut Frame<'_>,
    ) -> Result<usize, QueryError> {
        let count = window.rows.len();
        let (peers, group) = &window.peers[at];
        let (expr, is_ahead) = match bound {
            FrameBound::Unbounded => return Ok(if is_start { 0 } else { count }),
            FrameBound::CurrentRow => {
                return Ok(match (&call.frame.units, is_start) {
                    (FrameUnits::Rows, true) => at,
                    (FrameUnits::Rows, false) => at + 1,
                    (_, true) => peers.start,
                    (_, false) => peers.end,
                });
            }
            FrameBound::Preceding(expr) => (expr, false),
            FrameBound::Following(expr) => (expr, true),
        };
        let found = self.over(window, at, expr, frame)?;
        if let FrameUnits::Range(_) = call.frame.units {
            // A row without a value has its peers alone.
            if found.is_null() {
                return Ok(if is_start { peers.start } else { peers.end });
            }
            let (_, descending, nulls_first) = call.order[0];
            let is_before = |key: &Value| {
                let order = compare_keys(key, &found, descending, nulls_first);
                if is_start { order.is_lt() } else { order.is_le() }
            };
            return Ok(range_keys.partition_point(is_before));
        }
        let distance = found.as_int().ok_or_else(|| {
            let which = if is_start { "starting" } else { "ending" };
            QueryError::new(SqlState("22004"), format!("frame {which} offset must not be null"))
        })?;
        let distance = usize::try_from(distance).map_err(|_| {
            let which = if is_start { "starting" } else { "ending" };
            QueryError::new(SqlState("22013"), format!("frame {which} offset must not be negative"))
        })?;
        let moved = |from: usize| match is_ahead {
            true => Some(from.saturating_add(distance)),
            false => from.checked_sub(distance),
        };
        Ok(match call.frame.units {
            FrameUnits::Rows => match (moved(at), is_start) {
                (Some(there), true) => there.min(count),
                (Some(there), false) => there.saturating_add(1).min(count),
                (None, _) => 0,
            },
            _ => match moved(*group) {
                None => 0,
                Some(there) => {
                    let range = window.peers.iter().find(|found| found.1 == there);
                    range.map_or(count, |(range, _)| if is_start { range.start } else { range.end })
                }
            },
        })
    }
}

/// The ranges of rows that are equal in order, for each row.
fn peers(call: &WindowCall, rows: &[(Vec<Value>, usize)]) -> Vec<(Range<usize>, usize)> {
    let mut found: Vec<(Range<usize>, usize)> = Vec::with_capacity(rows.len());
    let mut start = 0;
    let mut group = 0;
    while start < rows.len() {
        let first = &rows[start].0;
        let is_peer = |row: &&(Vec<Value>, usize)| compare(call, first, &row.0).is_eq();
        let end = start + rows[start..].iter().take_while(is_peer).count();
        found.extend((start..end).map(|_| (start..end, group)));
        start = end;
        group += 1;
    }
    found
}

/// The bucket of row `at`: the first ones have one row more.
fn bucket(buckets: &Value, at: usize, count: usize) -> Result<Value, QueryError> {
    let Some(buckets) = buckets.as_int() else { return Ok(Value::Null) };
    let buckets =
        usize::try_from(buckets).ok().filter(|buckets| *buckets > 0).ok_or_else(|| {
            QueryError::new(SqlState("22014"), "argument of ntile must be greater than zero")
        })?;
    let (size, larger) = (count / buckets, count % buckets);
    let number = if at < larger * (size + 1) {
        at / (size + 1)
    } else {
        larger + (at - larger * (size + 1)) / size.max(1)
    };
    Ok(Value::Int(i64::try_from(number + 1).unwrap_or(i64::MAX)))
}

fn compare(call: &WindowCall, left: &[Value], right: &[Value]) -> Ordering {
    left.iter()
        .zip(right)
        .zip(&call.order)
        .map(|((left, right), key)| compare_keys(left, right, key.1, key.2))
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal)
}
