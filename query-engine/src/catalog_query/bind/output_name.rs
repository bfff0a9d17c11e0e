//! Names of output columns without AS, as PostgreSQL derives them.

use sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, DataType, Expr, FunctionArguments, Query,
    SelectItem, SetExpr, Subscript,
};

use super::super::names::{fold, parts_of};
use super::super::types::{type_name, type_of_ast};
use crate::catalog::pg_catalog::builtin::type_of;

/// What PostgreSQL shows where nothing gives a name.
const NAMELESS: &str = "?column?";

/// Name of the output column that `expr` makes.
pub(super) fn output_name(expr: &Expr) -> String {
    strong_name(expr).or_else(|| weak_name(expr)).unwrap_or_else(|| NAMELESS.to_owned())
}

/// The name that `expr` gives to its column, if any, and whether it is that of a column.
pub(crate) fn figured(expr: &Expr) -> (Option<String>, bool) {
    (strong_name(expr).or_else(|| weak_name(expr)), is_column(expr))
}

fn is_column(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => true,
        Expr::CompoundFieldAccess { root: inner, .. }
        | Expr::Nested(inner)
        | Expr::Collate { expr: inner, .. }
        | Expr::Cast { expr: inner, .. } => is_column(inner),
        Expr::Case { else_result: Some(inner), .. } => is_column(inner),
        _ => false,
    }
}

/// A name that wins over the name of a cast's type.
fn strong_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(fold(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(ident)) => Some(fold(ident)),
                AccessExpr::Dot(_) | AccessExpr::Subscript(_) => None,
            });
            field.or_else(|| strong_name(root))
        }
        Expr::Function(function) => {
            let name = parts_of(&function.name).ok()?.pop()?;
            match function.args {
                FunctionArguments::Subquery(_) if name == "array" => Some("array".to_owned()),
                _ => Some(name),
            }
        }
        Expr::Collate { expr, .. } | Expr::Nested(expr) => strong_name(expr),
        Expr::Cast { expr, .. } => strong_name(expr),
        Expr::Subquery(query) => subquery_name(query),
        Expr::Trim { trim_where, .. } => Some(
            match trim_where.as_ref().map(ToString::to_string).as_deref() {
                Some("LEADING") => "ltrim",
                Some("TRAILING") => "rtrim",
                _ => "btrim",
            }
            .to_owned(),
        ),
        Expr::Substring { shorthand: true, .. } => Some("substr".to_owned()),
        Expr::Substring { .. } => Some("substring".to_owned()),
        Expr::Overlay { .. } => Some("overlay".to_owned()),
        Expr::Position { .. } => Some("position".to_owned()),
        Expr::Extract { .. } => Some("extract".to_owned()),
        Expr::AtTimeZone { .. } => Some("timezone".to_owned()),
        Expr::Ceil { .. } => Some("ceil".to_owned()),
        Expr::Floor { .. } => Some("floor".to_owned()),
        Expr::BinaryOp { op: BinaryOperator::Overlaps, .. } => Some("overlaps".to_owned()),
        Expr::Array(_) => Some("array".to_owned()),
        Expr::Exists { negated: false, .. } => Some("exists".to_owned()),
        Expr::Tuple(_) => Some("row".to_owned()),
        _ => None,
    }
}

/// A name that a cast's type or a CASE gives.
fn weak_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => weak_name(inner),
        Expr::CompoundFieldAccess { root, .. } => weak_name(root),
        Expr::Cast { data_type, .. } => name_of_type(data_type),
        Expr::TypedString(typed) => name_of_type(&typed.data_type),
        Expr::Interval(_) => Some("interval".to_owned()),
        Expr::Case { else_result, .. } => {
            Some(else_result.as_deref().and_then(strong_name).unwrap_or_else(|| "case".to_owned()))
        }
        _ => None,
    }
}

/// Internal name of a type; that of the elements for an array.
fn name_of_type(mut data_type: &DataType) -> Option<String> {
    while let DataType::Array(ArrayElemTypeDef::SquareBracket(inner, _)) = data_type {
        data_type = inner;
    }
    let oid = type_of_ast(data_type).ok()?;
    Some(type_of(oid).map_or_else(|| type_name(oid), |found| found.name.to_owned()))
}

fn subquery_name(query: &Query) -> Option<String> {
    let SetExpr::Select(select) = &*query.body else { return None };
    match select.projection.first()? {
        SelectItem::UnnamedExpr(expr) => strong_name(expr).or_else(|| weak_name(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        _ => None,
    }
}

/// Whether `access` is a subscript by one index.
pub(super) fn index_of(access: &AccessExpr) -> Option<&Expr> {
    match access {
        AccessExpr::Subscript(Subscript::Index { index }) => Some(index),
        _ => None,
    }
}
