//! Signatures of the functions beside those that PostgreSQL 16 has.

use super::*;
use crate::catalog::pg_catalog::builtin;

#[test]
fn every_signature_is_well_formed() {
    assert!(REGISTRY.len() > 100);
}

#[test]
fn overloads_are_chosen_by_argument_types() {
    let returns = |name, arguments: &[TypeOid]| resolve(name, arguments).unwrap().returns[0].1;
    assert_eq!(returns("generate_series", &[types::INT4, types::INT4]), types::INT4);
    assert_eq!(returns("generate_series", &[types::INT8, types::INT4]), types::INT8);
    assert_eq!(returns("unnest", &[types::INT2VECTOR]), types::INT2);
    assert_eq!(returns("pg_get_userbyid", &[types::OID]), types::NAME);
    let missing = resolve("format_type", &[types::BOOL]).unwrap_err();
    assert_eq!(missing.state, SqlState::UNDEFINED_FUNCTION);
    assert_eq!(missing.message, "function format_type(boolean) does not exist");
}

/// Functions that the statements of known clients call, but for aggregates and what is syntax.
const CALLED: &[&str] = &[
    "_pg_expandarray",
    "acldefault",
    "age",
    "array_length",
    "array_lower",
    "array_remove",
    "array_to_string",
    "array_upper",
    "col_description",
    "concat_ws",
    "current_database",
    "current_schema",
    "current_schemas",
    "current_setting",
    "format",
    "format_type",
    "generate_series",
    "generate_subscripts",
    "getdatabaseencoding",
    "has_database_privilege",
    "json_build_object",
    "lower",
    "obj_description",
    "parse_ident",
    "pg_available_extensions",
    "pg_char_to_encoding",
    "pg_collation_is_visible",
    "pg_conversion_is_visible",
    "pg_database_size",
    "pg_describe_object",
    "pg_encoding_to_char",
    "pg_function_is_visible",
    "pg_get_constraintdef",
    "pg_get_expr",
    "pg_get_function_arguments",
    "pg_get_function_result",
    "pg_get_function_sqlbody",
    "pg_get_functiondef",
    "pg_get_indexdef",
    "pg_get_keywords",
    "pg_get_partkeydef",
    "pg_get_ruledef",
    "pg_get_serial_sequence",
    "pg_get_statisticsobjdef_columns",
    "pg_get_triggerdef",
    "pg_get_userbyid",
    "pg_get_viewdef",
    "pg_is_in_recovery",
    "pg_opclass_is_visible",
    "pg_operator_is_visible",
    "pg_opfamily_is_visible",
    "pg_options_to_table",
    "pg_partition_ancestors",
    "pg_postmaster_start_time",
    "pg_relation_is_publishable",
    "pg_size_pretty",
    "pg_sleep",
    "pg_statistics_obj_is_visible",
    "pg_table_is_visible",
    "pg_table_size",
    "pg_tablespace_location",
    "pg_tablespace_size",
    "pg_ts_config_is_visible",
    "pg_ts_dict_is_visible",
    "pg_ts_parser_is_visible",
    "pg_ts_template_is_visible",
    "pg_type_is_visible",
    "quote_ident",
    "quote_literal",
    "regexp_split_to_table",
    "replace",
    "set_config",
    "shobj_description",
    "string_to_array",
    "substring",
    "txid_current",
    "unnest",
    "version",
];
/// Argument types that catalog statements do not compute with.
const OTHER_TYPES: &[&str] = &[
    "anyrange",
    "anymultirange",
    "bit",
    "bytea",
    "numeric",
    "timestamp",
    "timestamptz",
    "tsvector",
];

/// Rows of `pg_proc`: name, argument types, whether variadic, result, whether a set.
fn recorded() -> Vec<(String, Vec<TypeOid>, bool, TypeOid, bool)> {
    let relation = builtin::relation("pg_catalog", "pg_proc").unwrap();
    let at = |name: &str| relation.columns.iter().position(|column| column.name == name).unwrap();
    let oid = |value: &Value| value.as_int().unwrap() as TypeOid;
    builtin::rows(relation)
        .iter()
        .map(|row| {
            (
                row[at("proname")].as_text().to_owned(),
                row[at("proargtypes")].elements().iter().map(oid).collect(),
                oid(&row[at("provariadic")]) != 0,
                oid(&row[at("prorettype")]),
                row[at("proretset")] == Value::Bool(true),
            )
        })
        .collect()
}

#[test]
fn functions_that_clients_call_exist_with_postgresqls_arguments_and_results() {
    let is_other = |oid: &TypeOid| {
        builtin::type_of(*oid).is_some_and(|found| OTHER_TYPES.contains(&found.name))
    };
    let mut missing = Vec::new();
    for (name, arguments, is_variadic, result, is_set) in recorded() {
        // SUBSTRING … SIMILAR with an escape character.
        let is_similar = name == "substring" && arguments == [types::TEXT; 3];
        let is_called = CALLED.contains(&name.as_str()) && !is_similar;
        if !is_called || arguments.iter().any(is_other) {
            continue;
        }
        // A variadic "any" takes values of any type; open types take an example.
        let example = |oid: &TypeOid| match type_name(*oid).trim_matches('"') {
            "anyarray" | "anycompatiblearray" => types::array_of(types::INT4).unwrap(),
            "any" | "anyelement" | "anycompatible" => types::INT4,
            _ => *oid,
        };
        let examples: Vec<TypeOid> = arguments.iter().map(example).collect();
        let is_open = arguments.iter().any(|oid| example(oid) != *oid);
        let shown = format!("{name}({})", examples.len());
        match resolve(&name, &examples) {
            Err(error) => missing.push(error.message),
            Ok(found) if found.function.is_set() != is_set => missing.push(shown),
            Ok(found) if is_open || is_variadic || result == types::RECORD => {
                debug_assert!(!found.returns.is_empty());
            }
            Ok(found) if found.returns[0].1 != base_type(result) => {
                missing.push(format!("{shown} gives {}", type_name(found.returns[0].1)));
            }
            Ok(_) => {}
        }
    }
    assert_eq!(missing, [""; 0]);
}
