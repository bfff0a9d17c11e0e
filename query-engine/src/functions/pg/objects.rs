//! Functions that describe objects of the catalogs.

use super::{Call, Entry, set, strict, with_nulls};
use crate::catalog::pg_catalog::builtin::BuiltinRelation;
use crate::catalog_query::names::quote_ident;
use crate::catalog_query::types;
use crate::catalog_query::{Env, Row, Value};
use crate::objects::Object;
use crate::session::shown_query;
use crate::{QueryError, SqlState};

const VARHDRSZ: i64 = 4;

pub(super) const FUNCTIONS: &[Entry] = &[
    with_nulls("format_type(oid,int4) text", format_type),
    strict("pg_get_userbyid(oid) name", |call| {
        Ok(call
            .env
            .field("pg_authid", call.int(0), "rolname")
            .unwrap_or_else(|| Value::text(format!("unknown (OID={})", call.int(0)))))
    }),
    strict("pg_table_is_visible(oid) bool", |call| visible(call, "pg_class", "rel")),
    strict("pg_type_is_visible(oid) bool", |call| visible(call, "pg_type", "typ")),
    strict("pg_function_is_visible(oid) bool", |call| visible(call, "pg_proc", "pro")),
    strict("pg_operator_is_visible(oid) bool", |call| visible(call, "pg_operator", "opr")),
    strict("pg_opclass_is_visible(oid) bool", |call| visible(call, "pg_opclass", "opc")),
    strict("pg_opfamily_is_visible(oid) bool", |call| visible(call, "pg_opfamily", "opf")),
    strict("pg_collation_is_visible(oid) bool", |call| visible(call, "pg_collation", "coll")),
    strict("pg_conversion_is_visible(oid) bool", |call| visible(call, "pg_conversion", "con")),
    strict("pg_statistics_obj_is_visible(oid) bool", |call| {
        visible(call, "pg_statistic_ext", "stx")
    }),
    strict("pg_ts_config_is_visible(oid) bool", |call| visible(call, "pg_ts_config", "cfg")),
    strict("pg_ts_dict_is_visible(oid) bool", |call| visible(call, "pg_ts_dict", "dict")),
    strict("pg_ts_parser_is_visible(oid) bool", |call| visible(call, "pg_ts_parser", "prs")),
    strict("pg_ts_template_is_visible(oid) bool", |call| visible(call, "pg_ts_template", "tmpl")),
    strict("pg_get_expr(pg_node_tree,oid) text", |call| Ok(call.value(0).clone())),
    strict("pg_get_expr(pg_node_tree,oid,bool) text", |call| Ok(call.value(0).clone())),
    strict("pg_get_constraintdef(oid) text", constraint_definition),
    strict("pg_get_constraintdef(oid,bool) text", constraint_definition),
    strict("pg_get_indexdef(oid) text", index_definition),
    strict("pg_get_indexdef(oid,int4,bool) text", index_definition),
    strict("pg_get_viewdef(oid) text", view_definition),
    strict("pg_get_viewdef(oid,bool) text", view_definition),
    strict("pg_get_viewdef(oid,int4) text", view_definition),
    strict("pg_get_viewdef(text) text", view_definition),
    strict("pg_get_viewdef(text,bool) text", view_definition),
    // No triggers, rules, partitions or extended statistics exist here, so no object id finds one.
    strict("pg_get_triggerdef(oid) text", |_| Ok(Value::Null)),
    strict("pg_get_triggerdef(oid,bool) text", |_| Ok(Value::Null)),
    strict("pg_get_ruledef(oid) text", |_| Ok(Value::Null)),
    strict("pg_get_ruledef(oid,bool) text", |_| Ok(Value::Null)),
    strict("pg_get_partkeydef(oid) text", |_| Ok(Value::Null)),
    strict("pg_get_statisticsobjdef(oid) text", |_| Ok(Value::Null)),
    strict("pg_get_statisticsobjdef_columns(oid) text", |_| Ok(Value::Null)),
    strict("pg_get_statisticsobjdef_expressions(oid) text[]", |_| Ok(Value::Null)),
    strict("pg_describe_object(oid,oid,int4) text", describe_object),
    strict("pg_relation_is_publishable(regclass) bool", |_| Ok(Value::Bool(false))),
    strict("pg_relation_is_updatable(regclass,bool) int4", |_| Ok(Value::Int(0))),
    strict("pg_column_is_updatable(regclass,int2,bool) bool", |_| Ok(Value::Bool(false))),
    strict("pg_tablespace_location(oid) text", |_| Ok(Value::text(""))),
    strict("obj_description(oid,name) text", |call| {
        let class = call.env.find_by_name("pg_class", "relname", call.text(1))?;
        Ok(description(call, class.as_ref(), 0))
    }),
    strict("obj_description(oid) text", |call| Ok(description(call, None, 0))),
    // Databases, roles and tablespaces have no comments here.
    strict("shobj_description(oid,name) text", |_| Ok(Value::Null)),
    strict("col_description(oid,int4) text", |call| {
        Ok(if call.int(1) > 0 {
            description(call, Some(&Value::oid(PG_CLASS_OID)), call.int(1))
        } else {
            Value::Null
        })
    }),
    strict("to_regclass(text) regclass", |call| find(call, types::REGCLASS)),
    strict("to_regtype(text) regtype", |call| find(call, types::REGTYPE)),
    strict("to_regnamespace(text) regnamespace", |call| find(call, types::REGNAMESPACE)),
    strict("to_regrole(text) regrole", |call| find(call, types::REGROLE)),
    strict("to_regproc(text) regproc", |call| find(call, types::REGPROC)),
    strict("to_regprocedure(text) regprocedure", |call| find(call, types::REGPROCEDURE)),
    strict("to_regoperator(text) regoperator", |call| find(call, types::REGOPERATOR)),
    // No tables are partitioned or inherit, so a relation has itself as its only ancestor.
    set("pg_partition_ancestors(regclass) setof relid regclass", |call| {
        let is_known = call.env.field("pg_class", call.int(0), "relispartition");
        let is_part = is_known.and_then(|value| value.as_bool()).unwrap_or_default();
        Ok(if is_part { vec![Row::from(vec![call.value(0).clone()])] } else { Vec::new() })
    }),
    set(
        "pg_partition_tree(regclass) setof relid regclass, parentrelid regclass, isleaf bool, level int4",
        |_| Ok(Vec::new()),
    ),
    strict("pg_partition_root(regclass) regclass", |_| Ok(Value::Null)),
    set("pg_options_to_table(text[]) setof option_name text, option_value text", |call| {
        let row = |option: &Value| {
            let text = option.as_text();
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            Row::from(vec![Value::text(name), Value::text(value)])
        };
        Ok(call.value(0).elements().iter().map(row).collect())
    }),
];

const PG_CLASS_OID: u32 = 1259;
const PG_PROC_OID: i64 = 1255;
const PG_TYPE_OID: i64 = 1247;
const PG_LANGUAGE_OID: i64 = 2612;

fn visible(call: &Call<'_>, table: &str, prefix: &str) -> Result<Value, QueryError> {
    let (name, schema) = (format!("{prefix}name"), format!("{prefix}namespace"));
    let visible = call.env.is_visible(table, &name, &schema, call.int(0));
    Ok(visible.map_or(Value::Null, Value::Bool))
}

fn find(call: &Call<'_>, alias: u32) -> Result<Value, QueryError> {
    Ok(call.env.find_object(call.text(0), alias)?.unwrap_or(Value::Null))
}

fn description(call: &Call<'_>, class: Option<&Value>, part: i64) -> Value {
    description_of(call.env, call.value(0), class, part)
}

/// Comment on an object, or on a part of one.
pub(super) fn description_of(
    env: &Env<'_>,
    object: &Value,
    class: Option<&Value>,
    part: i64,
) -> Value {
    let table = env.table("pg_description");
    let at = |name| table.position(name).expect("a column of pg_description");
    let (object_at, class_at) = (at("objoid"), at("classoid"));
    let (part_at, text_at) = (at("objsubid"), at("description"));
    table
        .lookup(object_at, object)
        .iter()
        .map(|row| &table.rows[*row as usize])
        .find(|row| {
            row[part_at] == Value::Int(part) && class.is_none_or(|class| row[class_at] == *class)
        })
        .map_or(Value::Null, |row| row[text_at].clone())
}

fn format_type(call: &Call<'_>) -> Result<Value, QueryError> {
    let Some(oid) = call.value(0).as_int() else { return Ok(Value::Null) };
    Ok(Value::text(formatted_type(call.env, oid, call.value(1).as_int())))
}

/// A type as `format_type` prints it. Without a modifier `character` stands for `bpchar`.
pub(super) fn formatted_type(env: &Env<'_>, oid: i64, modifier: Option<i64>) -> String {
    if oid == 0 {
        return "-".to_owned();
    }
    let element = u32::try_from(oid)
        .ok()
        .and_then(types::element)
        .filter(|_| oid != i64::from(types::INT2VECTOR) && oid != i64::from(types::OIDVECTOR));
    if let Some(element) = element {
        return format!("{}[]", formatted_type(env, i64::from(element), modifier));
    }
    let Some(name) = env.type_name(oid) else { return "???".to_owned() };
    if modifier == Some(-1) && oid == i64::from(types::BPCHAR) {
        return "bpchar".to_owned();
    }
    let Some(modifier) = modifier.filter(|modifier| *modifier >= 0) else { return name };
    match name.as_str() {
        "numeric" => {
            let packed = modifier - VARHDRSZ;
            format!("numeric({},{})", (packed >> 16) & 0xffff, packed & 0x7ff)
        }
        "character varying" | "character" => format!("{name}({})", modifier - VARHDRSZ),
        "bit" | "bit varying" => format!("{name}({modifier})"),
        _ => match name.split_once(' ') {
            Some((word @ ("time" | "timestamp"), zone)) => format!("{word}({modifier}) {zone}"),
            _ => name,
        },
    }
}

/// Names of the columns of a relation at these numbers, quoted.
fn column_names(env: &Env<'_>, relation: i64, numbers: &[Value]) -> Vec<String> {
    let attributes = env.table("pg_attribute");
    let at = |name| attributes.position(name).expect("a column of pg_attribute");
    let (relation_at, name_at, number_at) = (at("attrelid"), at("attname"), at("attnum"));
    let rows = attributes.lookup(relation_at, &Value::Int(relation));
    numbers
        .iter()
        .filter_map(|number| {
            let mut rows = rows.iter().map(|row| &attributes.rows[*row as usize]);
            rows.find(|row| row[number_at] == *number)
        })
        .map(|row| quote_ident(row[name_at].as_text()))
        .collect()
}

fn constraint_definition(call: &Call<'_>) -> Result<Value, QueryError> {
    let field = |column| call.env.field("pg_constraint", call.int(0), column);
    let Some(kind) = field("contype") else { return Ok(Value::Null) };
    let relation = field("conrelid").and_then(|value| value.as_int()).unwrap_or_default();
    let keys = field("conkey").unwrap_or(Value::Null);
    let columns = column_names(call.env, relation, keys.elements()).join(", ");
    Ok(match kind.as_text() {
        "p" => Value::text(format!("PRIMARY KEY ({columns})")),
        "u" => Value::text(format!("UNIQUE ({columns})")),
        "f" => {
            let other = field("confrelid").and_then(|value| value.as_int()).unwrap_or_default();
            let name = call.env.qualified("pg_class", "relname", "relnamespace", other);
            let target = field("confkey").unwrap_or(Value::Null);
            let target = column_names(call.env, other, target.elements()).join(", ");
            name.map_or(Value::Null, |name| {
                let action =
                    |letter: Option<Value>, word: &str| match letter.as_ref().map(Value::as_text) {
                        Some("r") => format!(" ON {word} RESTRICT"),
                        Some("c") => format!(" ON {word} CASCADE"),
                        Some("n") => format!(" ON {word} SET NULL"),
                        Some("d") => format!(" ON {word} SET DEFAULT"),
                        _ => String::new(),
                    };
                let update = action(field("confupdtype"), "UPDATE");
                let delete = action(field("confdeltype"), "DELETE");
                Value::text(format!(
                    "FOREIGN KEY ({columns}) REFERENCES {name}({target}){update}{delete}"
                ))
            })
        }
        "c" => field("conbin")
            .map_or(Value::Null, |check| Value::text(format!("CHECK ({})", check.as_text()))),
        _ => Value::Null,
    })
}

fn index_definition(call: &Call<'_>) -> Result<Value, QueryError> {
    let table = call.env.table("pg_index");
    let at = |name| table.position(name).expect("a column of pg_index");
    let Some(row) = table.lookup(at("indexrelid"), call.value(0)).first() else {
        return Ok(Value::Null);
    };
    let row = &table.rows[*row as usize];
    let relation = row[at("indrelid")].as_int().unwrap_or_default();
    let columns = column_names(call.env, relation, row[at("indkey")].elements());
    let wanted = call.count(1);
    if wanted > 0 {
        return Ok(Value::text(columns.get(wanted - 1).cloned().unwrap_or_default()));
    }
    // The form with line breaks and short names is the one with `true` as last argument.
    let is_pretty = call.bool(2);
    let name = |oid| {
        let name = call.env.field("pg_class", oid, "relname")?;
        let schema = call.env.field("pg_class", oid, "relnamespace")?.as_int()?;
        if is_pretty {
            return call.env.qualified("pg_class", "relname", "relnamespace", oid);
        }
        let schema = call.env.field("pg_namespace", schema, "nspname")?;
        Some(format!("{}.{}", quote_ident(schema.as_text()), quote_ident(name.as_text())))
    };
    let index = call.env.field("pg_class", call.int(0), "relname").unwrap_or(Value::Null);
    let access = call.env.field("pg_class", call.int(0), "relam").and_then(|oid| oid.as_int());
    let access = access.and_then(|oid| call.env.field("pg_am", oid, "amname"));
    Ok(Value::text(format!(
        "CREATE {}INDEX {} ON {} USING {} ({})",
        if row[at("indisunique")] == Value::Bool(true) { "UNIQUE " } else { "" },
        quote_ident(index.as_text()),
        name(relation).unwrap_or_default(),
        access.unwrap_or(Value::text("btree")).as_text(),
        columns.join(", "),
    )))
}

fn view_definition(call: &Call<'_>) -> Result<Value, QueryError> {
    let oid = match call.value(0) {
        Value::Int(oid) => *oid,
        name => {
            let found = call.env.find_object(name.as_text(), types::REGCLASS)?;
            found.and_then(|value| value.as_int()).ok_or_else(|| {
                QueryError::new(
                    SqlState::UNDEFINED_TABLE,
                    format!("relation \"{}\" does not exist", name.as_text()),
                )
            })?
        }
    };
    let view = call.env.view;
    let made = u32::try_from(oid).ok().and_then(|oid| view.objects.by_oid(oid));
    if let Some(Object::View(found)) = made {
        return Ok(shown_query(found, view).map_or(Value::Null, Value::text));
    }
    let relations = crate::catalog::pg_catalog::builtin::relations();
    let found = relations.iter().find(|relation| i64::from(relation.oid) == oid);
    // Views of ours are made by the engine, not by a query: their definition is empty.
    let is_ours = call.env.field("pg_class", oid, "relkind") == Some(Value::text("v"));
    let is_pretty = call.bool(1);
    let form = |relation: &'static BuiltinRelation| {
        let pretty = relation.pretty_definition.as_deref().filter(|_| is_pretty);
        pretty.or(relation.definition.as_deref())
    };
    Ok(match found.and_then(form) {
        Some(definition) => Value::text(definition),
        None if is_ours => Value::text(""),
        None => Value::Null,
    })
}

fn describe_object(call: &Call<'_>) -> Result<Value, QueryError> {
    let (class, oid) = (call.int(0), call.int(1));
    let described = match class {
        _ if class == i64::from(PG_CLASS_OID) => call
            .env
            .qualified("pg_class", "relname", "relnamespace", oid)
            .map(|name| format!("table {name}")),
        PG_PROC_OID => {
            crate::catalog_query::text::output(call.env, &Value::Int(oid), types::REGPROCEDURE)
                .parse::<String>()
                .ok()
                .filter(|name| name.contains('('))
                .map(|name| format!("function {name}"))
        }
        PG_TYPE_OID => call.env.type_name(oid).map(|name| format!("type {name}")),
        PG_LANGUAGE_OID => call
            .env
            .field("pg_language", oid, "lanname")
            .map(|name| format!("language {}", name.as_text())),
        _ => None,
    };
    Ok(described.map_or(Value::Null, Value::text))
}
