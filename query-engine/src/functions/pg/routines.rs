//! Functions that print functions as SQL would define them.

use super::objects::formatted_type;
use super::{Call, Entry, strict};
use crate::catalog_query::Value;
use crate::catalog_query::names::{quote_ident, quote_literal};
use crate::catalog_query::{Env, text, types};
use crate::{QueryError, SqlState};

/// Rows that PostgreSQL expects of a set-returning function which does not say how many.
const ROWS_DEFAULT: f64 = 1000.0;

pub(super) const FUNCTIONS: &[Entry] = &[
    strict("pg_get_functiondef(oid) text", definition),
    strict("pg_get_function_result(oid) text", |call| result(&Routine::of(call))),
    strict("pg_get_function_arguments(oid) text", |call| {
        Ok(Routine::of(call).arguments(true).map_or(Value::Null, Value::text))
    }),
    strict("pg_get_function_identity_arguments(oid) text", |call| {
        Ok(Routine::of(call).arguments(false).map_or(Value::Null, Value::text))
    }),
    strict("pg_get_function_sqlbody(oid) text", |call| {
        Ok(Routine::of(call).field("prosqlbody").unwrap_or(Value::Null))
    }),
    strict("pg_get_function_arg_default(oid,int4) text", |call| {
        let defaults = Routine::of(call).defaults();
        // Arguments are counted with those that are only given back.
        let wanted = usize::try_from(call.int(1) - 1).ok();
        let inputs = Routine::of(call).parameters();
        let is_input = |at: &usize| inputs.get(*at).is_some_and(|one| one.is_input());
        let position = wanted.filter(is_input).map(|at| (0..at).filter(is_input).count());
        let first = inputs.iter().filter(|one| one.is_input()).count() - defaults.len();
        let found = position.and_then(|at| defaults.get(at.checked_sub(first)?));
        Ok(found.map_or(Value::Null, |default| Value::text(default.as_str())))
    }),
];

/// One row of `pg_proc`, which may not exist.
struct Routine<'a> {
    env: &'a Env<'a>,
    oid: i64,
}

/// A parameter: its mode and its printed form.
struct Parameter {
    mode: String,
    shown: String,
}

impl Parameter {
    fn is_input(&self) -> bool {
        matches!(self.mode.as_str(), "i" | "b" | "v")
    }
}

impl<'a> Routine<'a> {
    fn of(call: &Call<'a>) -> Self {
        Self { env: call.env, oid: call.int(0) }
    }

    fn field(&self, column: &str) -> Option<Value> {
        self.env.field("pg_proc", self.oid, column)
    }

    fn text(&self, column: &str) -> String {
        self.field(column).map(|value| value.as_text().to_owned()).unwrap_or_default()
    }

    fn is(&self, column: &str) -> bool {
        self.field(column).and_then(|value| value.as_bool()).unwrap_or_default()
    }

    fn float(&self, column: &str) -> f64 {
        match self.field(column) {
            Some(Value::Float(value)) => value,
            _ => 0.0,
        }
    }

    fn parameters(&self) -> Vec<Parameter> {
        let field = |column| self.field(column).unwrap_or(Value::Null);
        let all = field("proallargtypes");
        let inputs = field("proargtypes");
        let oids = if all.is_null() { inputs.elements() } else { all.elements() };
        let (modes, names) = (field("proargmodes"), field("proargnames"));
        oids.iter()
            .enumerate()
            .map(|(at, oid)| {
                let mode = modes.elements().get(at).map_or("i", Value::as_text).to_owned();
                let name = names.elements().get(at).map_or("", Value::as_text);
                let type_name = formatted_type(self.env, oid.as_int().unwrap_or_default(), None);
                let word = match mode.as_str() {
                    "o" => "OUT ",
                    "b" => "INOUT ",
                    "v" => "VARIADIC ",
                    _ => "",
                };
                let name =
                    if name.is_empty() { String::new() } else { format!("{} ", quote_ident(name)) };
                Parameter { mode, shown: format!("{word}{name}{type_name}") }
            })
            .collect()
    }

    /// Defaults of the last input parameters.
    fn defaults(&self) -> Vec<String> {
        let list = self.text("proargdefaults");
        if list.is_empty() { Vec::new() } else { split_list(&list) }
    }

    /// For an ordered-set aggregate: how many arguments come before ORDER BY.
    fn direct_arguments(&self) -> Option<usize> {
        let aggregates = self.env.table("pg_aggregate");
        let at = |name| aggregates.position(name);
        let row = *aggregates.lookup(at("aggfnoid")?, &Value::Int(self.oid)).first()?;
        let row = &aggregates.rows[row as usize];
        let is_ordered = matches!(row[at("aggkind")?].as_text(), "o" | "h");
        usize::try_from(row[at("aggnumdirectargs")?].as_int()?).ok().filter(|_| is_ordered)
    }

    /// The list between the parentheses; `None` for an unknown function.
    fn arguments(&self, with_defaults: bool) -> Option<String> {
        self.field("proname")?;
        let mut shown = self.parameters();
        shown.retain(|one| one.mode != "t");
        let defaults = if with_defaults { self.defaults() } else { Vec::new() };
        let inputs: Vec<&mut Parameter> = shown.iter_mut().filter(|one| one.is_input()).collect();
        let skip = inputs.len().saturating_sub(defaults.len());
        for (one, default) in inputs.into_iter().skip(skip).zip(defaults) {
            one.shown.push_str(" DEFAULT ");
            one.shown.push_str(&default);
        }
        let mut shown: Vec<String> = shown.into_iter().map(|one| one.shown).collect();
        let Some(direct) = self.direct_arguments() else { return Some(shown.join(", ")) };
        // All arguments direct and the last one variadic: it stands for what is sorted, too.
        if direct == shown.len() {
            shown.extend(shown.last().cloned());
        }
        let sorted = shown.split_off(direct.min(shown.len())).join(", ");
        let direct = shown.join(", ");
        let space = if direct.is_empty() { "" } else { " " };
        Some(format!("{direct}{space}ORDER BY {sorted}"))
    }

    /// `schema.name`.
    fn qualified_name(&self) -> String {
        let schema = self.field("pronamespace").and_then(|value| value.as_int());
        let schema = schema.and_then(|oid| self.env.field("pg_namespace", oid, "nspname"));
        let schema = schema.map_or_else(String::new, |name| quote_ident(name.as_text()));
        format!("{schema}.{}", quote_ident(&self.text("proname")))
    }

    /// Words on a line of their own, each after a space.
    fn attributes(&self, language: &str) -> String {
        let mut words = String::new();
        let mut add = |word: &str| {
            words.push(' ');
            words.push_str(word);
        };
        if self.text("prokind") == "w" {
            add("WINDOW");
        }
        match self.text("provolatile").as_str() {
            "i" => add("IMMUTABLE"),
            "s" => add("STABLE"),
            _ => {}
        }
        match self.text("proparallel").as_str() {
            "s" => add("PARALLEL SAFE"),
            "r" => add("PARALLEL RESTRICTED"),
            _ => {}
        }
        for (column, word) in [
            ("proisstrict", "STRICT"),
            ("prosecdef", "SECURITY DEFINER"),
            ("proleakproof", "LEAKPROOF"),
        ] {
            if self.is(column) {
                add(word);
            }
        }
        let (cost, rows) = (self.float("procost"), self.float("prorows"));
        let usual = if matches!(language, "internal" | "c") { 1.0 } else { 100.0 };
        if cost != usual {
            add(&format!("COST {cost}"));
        }
        if rows > 0.0 && rows != ROWS_DEFAULT {
            add(&format!("ROWS {rows}"));
        }
        match self.field("prosupport") {
            Some(Value::Int(oid)) if oid != 0 => {
                let name = text::output(self.env, &Value::Int(oid), types::REGPROC);
                add(&format!("SUPPORT {name}"));
            }
            _ => {}
        }
        words
    }
}

/// Parts of a list of expressions, cut at commas outside quotes and parentheses.
fn split_list(list: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut depth, mut is_quoted) = (0, false);
    for character in list.chars() {
        match character {
            '\'' => is_quoted = !is_quoted,
            '(' | '[' if !is_quoted => depth += 1,
            ')' | ']' if !is_quoted => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 && !is_quoted {
            parts.push(std::mem::take(&mut part));
        } else if !(part.is_empty() && character == ' ') {
            part.push(character);
        }
    }
    parts.push(part);
    parts
}

fn result(routine: &Routine<'_>) -> Result<Value, QueryError> {
    let Some(result) = routine.field("prorettype").and_then(|value| value.as_int()) else {
        return Ok(Value::Null);
    };
    if routine.text("prokind") == "p" {
        return Ok(Value::Null);
    }
    let mut columns = routine.parameters();
    columns.retain(|one| one.mode == "t");
    if !columns.is_empty() {
        let columns: Vec<String> = columns.into_iter().map(|one| one.shown).collect();
        return Ok(Value::text(format!("TABLE({})", columns.join(", "))));
    }
    let set = if routine.is("proretset") { "SETOF " } else { "" };
    Ok(Value::text(format!("{set}{}", formatted_type(routine.env, result, None))))
}

/// CREATE FUNCTION, as PostgreSQL prints it.
fn definition(call: &Call<'_>) -> Result<Value, QueryError> {
    let routine = Routine::of(call);
    let Some(arguments) = routine.arguments(true) else { return Ok(Value::Null) };
    let name = routine.text("proname");
    let kind = match routine.text("prokind").as_str() {
        "a" => {
            return Err(QueryError::new(
                SqlState("42809"),
                format!("\"{name}\" is an aggregate function"),
            ));
        }
        "p" => "PROCEDURE",
        _ => "FUNCTION",
    };
    let mut shown = format!("CREATE OR REPLACE {kind} {}({arguments})\n", routine.qualified_name());
    if kind == "FUNCTION" {
        shown.push_str(&format!(" RETURNS {}\n", result(&routine)?.as_text()));
    }
    let language = routine.field("prolang").and_then(|value| value.as_int());
    let language = language.and_then(|oid| routine.env.field("pg_language", oid, "lanname"));
    let language = language.map(|name| name.as_text().to_owned()).unwrap_or_default();
    shown.push_str(&format!(" LANGUAGE {}\n", quote_ident(&language)));
    let attributes = routine.attributes(&language);
    if !attributes.is_empty() {
        shown.push_str(&attributes);
        shown.push('\n');
    }
    if let Some(body) = routine.field("prosqlbody").filter(|body| !body.is_null()) {
        shown.push_str(body.as_text());
        shown.push('\n');
        return Ok(Value::text(shown));
    }
    shown.push_str("AS ");
    if let Some(library) = routine.field("probin").filter(|library| !library.is_null()) {
        shown.push_str(&format!("{}, ", quote_literal(library.as_text())));
    }
    let source = routine.text("prosrc");
    let mut tag = format!("${}", kind.to_lowercase());
    while source.contains(&tag) {
        tag.push('x');
    }
    shown.push_str(&format!("{tag}${source}{tag}$\n"));
    Ok(Value::text(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_defaults_is_cut_outside_quotes_and_parentheses() {
        assert_eq!(split_list("'a, b'::text, f(1, 2), 3"), ["'a, b'::text", "f(1, 2)", "3"]);
    }
}
