//! Functions over windows.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::super::plan::{WindowCall, WindowFunction};
use super::super::{Row, Value};
use super::group::finish;
use super::{Executor, Frame, compare_keys};
use crate::QueryError;

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
            for mut window in windows.into_values() {
                window.sort_by(|left, right| compare(call, &left.0, &right.0));
                let found = self.window(call, &window, &kept, frame)?;
                for ((_, at), value) in window.iter().zip(found) {
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
        window: &[(Vec<Value>, usize)],
        kept: &[Vec<Row>],
        frame: &mut Frame<'_>,
    ) -> Result<Vec<Value>, QueryError> {
        if let WindowFunction::Aggregate(aggregate) = &call.function {
            let mut inputs = Vec::new();
            for (_, at) in window {
                frame.rows.clone_from(&kept[*at]);
                inputs.extend(self.input(aggregate, frame)?);
            }
            let value = finish(aggregate, inputs)?;
            return Ok(vec![value; window.len()]);
        }
        let (mut rank, mut dense) = (0, 0);
        let mut values = Vec::with_capacity(window.len());
        for (at, (keys, _)) in window.iter().enumerate() {
            let number = i64::try_from(at + 1).unwrap_or(i64::MAX);
            if at == 0 || compare(call, &window[at - 1].0, keys).is_ne() {
                rank = number;
                dense += 1;
            }
            values.push(Value::Int(match call.function {
                WindowFunction::Rank => rank,
                WindowFunction::DenseRank => dense,
                _ => number,
            }));
        }
        Ok(values)
    }
}

fn compare(call: &WindowCall, left: &[Value], right: &[Value]) -> Ordering {
    left.iter()
        .zip(right)
        .zip(&call.order)
        .map(|((left, right), key)| compare_keys(left, right, key.1, key.2))
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal)
}
