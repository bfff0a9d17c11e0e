//! GROUP BY: keys, and the sets of them that ROLLUP, CUBE and GROUPING SETS make.

use sqlparser::ast::{Expr as Ast, GroupByExpr, Select};

use super::super::plan::Expr;
use super::super::{Value, unsupported};
use super::Binder;
use super::scope::Scope;
use super::select::position_of;
use crate::{QueryError, SqlState};

/// Grouping sets of one statement.
const SETS_MAX: usize = 4_096;
/// Keys of a statement with grouping sets: each has a bit in a mask.
const KEYS_MAX: usize = 31;

/// Keys, and which of them each grouping set leaves out.
type Keys = (Vec<Expr>, Vec<Vec<usize>>);

impl Binder<'_> {
    /// Keys of GROUP BY. With grouping sets the first one is a mask of what the set leaves out.
    ///
    /// # Errors
    /// 42P10 for a position outside the select list, 54000 past the limits.
    pub(super) fn group_keys(
        &self,
        select: &Select,
        scope: &Scope<'_>,
    ) -> Result<Keys, QueryError> {
        let GroupByExpr::Expressions(asts, modifiers) = &select.group_by else {
            return Err(unsupported("GROUP BY ALL"));
        };
        if !modifiers.is_empty() {
            return Err(unsupported("GROUP BY with a modifier"));
        }
        let mut keys: Vec<Expr> = Vec::new();
        let has_sets = asts
            .iter()
            .any(|ast| matches!(ast, Ast::Rollup(_) | Ast::Cube(_) | Ast::GroupingSets(_)));
        if !has_sets {
            for ast in asts.iter().flat_map(parts_of_key) {
                keys.push(self.group_key(ast, select, scope)?);
            }
            return Ok((keys, Vec::new()));
        }
        keys.push(Expr::Const(Value::Int(0)));
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for ast in asts {
            let mut longer = Vec::new();
            for more in sets_of(ast)? {
                let mut positions = Vec::new();
                for part in more.into_iter().flat_map(parts_of_key) {
                    let key = self.group_key(part, select, scope)?;
                    let at = keys.iter().skip(1).position(|known| *known == key);
                    positions.push(at.map_or_else(
                        || {
                            keys.push(key);
                            keys.len() - 1
                        },
                        |at| at + 1,
                    ));
                }
                longer.extend(sets.iter().map(|set| [set.as_slice(), &positions].concat()));
            }
            sets = longer;
            if sets.len() > SETS_MAX || keys.len() > KEYS_MAX + 1 {
                return Err(QueryError::new(
                    SqlState::PROGRAM_LIMIT,
                    "too many grouping sets present",
                ));
            }
        }
        let rest = |set: &Vec<usize>| (1..keys.len()).filter(|at| !set.contains(at)).collect();
        let left_out: Vec<Vec<usize>> = sets.iter().map(rest).collect();
        let is_repeated = (1..left_out.len()).any(|at| left_out[..at].contains(&left_out[at]));
        if is_repeated {
            return Err(unsupported("a grouping set that is there twice"));
        }
        Ok((keys, left_out))
    }

    fn group_key(&self, ast: &Ast, select: &Select, scope: &Scope<'_>) -> Result<Expr, QueryError> {
        let named = self.named_item(ast, select, scope);
        if let (None, Some(position)) = (named, position_of(ast)) {
            return Err(QueryError::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!("GROUP BY position {position} is not in select list"),
            ));
        }
        self.expr(named.unwrap_or(ast), scope).map(|typed| typed.expr)
    }
}

/// `(a, b)` is two keys, as is `a, b`.
fn parts_of_key(ast: &Ast) -> Vec<&Ast> {
    match ast {
        Ast::Tuple(parts) => parts.iter().collect(),
        Ast::Nested(inner) => parts_of_key(inner),
        ast => vec![ast],
    }
}

/// The grouping sets that one item of GROUP BY stands for.
fn sets_of(ast: &Ast) -> Result<Vec<Vec<&Ast>>, QueryError> {
    Ok(match ast {
        Ast::GroupingSets(sets) => sets.iter().map(|set| set.iter().collect()).collect(),
        Ast::Rollup(parts) => (0..=parts.len())
            .rev()
            .map(|length| parts[..length].iter().flatten().collect())
            .collect(),
        Ast::Cube(parts) if parts.len() > 12 => {
            return Err(QueryError::new(SqlState::PROGRAM_LIMIT, "CUBE is limited to 12 elements"));
        }
        Ast::Cube(parts) => (0..1_usize << parts.len())
            .rev()
            .map(|mask| {
                let is_in = |at: &usize| mask & (1 << (parts.len() - 1 - at)) != 0;
                (0..parts.len()).filter(is_in).flat_map(|at| &parts[at]).collect()
            })
            .collect(),
        ast => vec![vec![ast]],
    })
}
