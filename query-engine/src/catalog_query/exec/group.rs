//! GROUP BY: rows into groups.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::super::plan::{Aggregate, GroupPlan, SelectPlan};
use super::super::{Row, Value};
use super::aggregate::{Input, finish, sorted_positions};
use super::{Executor, Frame};
use crate::QueryError;

impl Executor<'_> {
    /// (keys, aggregates) of each group, in order of first appearance.
    pub(super) fn groups(
        &self,
        plan: &SelectPlan,
        group: &GroupPlan,
        frame: &mut Frame<'_>,
    ) -> Result<Vec<Vec<Row>>, QueryError> {
        let mut order: Vec<Row> = Vec::new();
        let mut inputs: HashMap<Row, Vec<Vec<Input>>> = HashMap::new();
        let no_inputs = || group.aggregates.iter().map(|_| Vec::new()).collect::<Vec<_>>();
        // Without keys there is one group, also over no rows; keys added later follow from rows.
        let empty = if group.is_single {
            vec![Row::from(Vec::new())]
        } else {
            // Every key but the mask is left out.
            let all =
                group.left_out.iter().filter(|left_out| left_out.len() + 1 == group.keys.len());
            all.map(|left_out| key_of(&vec![Value::Null; group.keys.len()], left_out)).collect()
        };
        let mut add = |frame: &mut Frame<'_>| {
            let keys = if group.is_single {
                vec![Row::from(Vec::new())]
            } else {
                let key = self.values(&group.keys, frame)?;
                match group.left_out.as_slice() {
                    [] => vec![key],
                    sets => sets.iter().map(|left_out| key_of(&key, left_out)).collect(),
                }
            };
            for key in keys {
                let found = match inputs.get_mut(&key) {
                    Some(found) => found,
                    None => {
                        order.push(Row::clone(&key));
                        inputs.entry(key).or_insert_with(no_inputs)
                    }
                };
                for (aggregate, into) in group.aggregates.iter().zip(found) {
                    if let Some(input) = self.input(aggregate, frame)? {
                        into.push(input);
                    }
                }
            }
            Ok(())
        };
        self.each_row(plan, frame, &mut |frame| {
            if group.sets.is_empty() {
                add(frame)
            } else {
                self.each_round(&group.sets, frame, &mut add)
            }
        })?;
        for key in empty {
            if let Entry::Vacant(place) = inputs.entry(Row::clone(&key)) {
                place.insert(no_inputs());
                order.push(key);
            }
        }
        order
            .into_iter()
            .map(|key| {
                let mut inputs = inputs.remove(&key).unwrap_or_default();
                presort(&group.aggregates, &mut inputs);
                let aggregates = group.aggregates.iter().zip(inputs);
                let values = aggregates.map(|(one, rows)| finish(self.env, one, rows));
                let values: Vec<Value> = values.collect::<Result<_, _>>()?;
                Ok(vec![key, Row::from(values)])
            })
            .collect()
    }

    /// The input of a row; `None` where FILTER drops it.
    pub(super) fn input(
        &self,
        aggregate: &Aggregate,
        frame: &Frame<'_>,
    ) -> Result<Option<Input>, QueryError> {
        if let Some(filter) = &aggregate.filter
            && self.eval(filter, frame)?.as_bool() != Some(true)
        {
            return Ok(None);
        }
        let keys = aggregate.order.iter().map(|key| self.eval(&key.0, frame));
        Ok(Some(Input {
            keys: keys.collect::<Result<_, _>>()?,
            arguments: self.values(&aggregate.arguments, frame)?.to_vec(),
        }))
    }
}

/// PostgreSQL sorts the rows of a group once, for the first aggregate that wants an order; those that want none
/// see them in that order, too.
fn presort(aggregates: &[Aggregate], inputs: &mut [Vec<Input>]) {
    let is_sorted = |one: &Aggregate| one.distinct || !one.order.is_empty();
    let Some(first) = aggregates.iter().position(is_sorted) else { return };
    let order = sorted_positions(&aggregates[first], &inputs[first]);
    for (aggregate, rows) in aggregates.iter().zip(inputs) {
        if is_sorted(aggregate) || rows.len() != order.len() {
            continue;
        }
        let mut taken: Vec<Option<Input>> = std::mem::take(rows).into_iter().map(Some).collect();
        rows.extend(order.iter().filter_map(|at| taken[*at].take()));
    }
}

/// The key of a row in one grouping set: null for what is left out, and first a mask of that.
fn key_of(key: &[Value], left_out: &[usize]) -> Row {
    let mask = left_out.iter().fold(0_i64, |mask, at| mask | 1 << at);
    let parts = key.iter().enumerate().map(|(at, value)| match at {
        0 => Value::Int(mask),
        at if left_out.contains(&at) => Value::Null,
        _ => value.clone(),
    });
    parts.collect()
}
