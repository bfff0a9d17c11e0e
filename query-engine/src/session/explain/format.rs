//! The forms of EXPLAIN: PostgreSQL's layout, so that tools which read its plans read ours.

use std::fmt::Write as _;

use super::{FILES, METRICS, Node, Property, Times};
use crate::statement::ExplainOptions;

/// Shown in the name of a join by the text form.
const JOIN_TYPE: &str = "Join Type";

/// A value of the JSON and YAML forms.
enum Value {
    Text(String),
    Number(String),
    Bool(bool),
    List(Vec<String>),
    Nodes(Vec<Vec<(String, Value)>>),
}

type Fields = Vec<(String, Value)>;

/// One line for each row of the result.
pub(super) fn text(root: &Node, options: ExplainOptions, times: Times) -> Vec<String> {
    let mut lines = Vec::new();
    text_node(root, 0, options, &mut lines);
    if options.summary.unwrap_or(options.analyze) {
        lines.push(format!("Planning Time: {:.3} ms", times.planning));
        if let Some(execution) = times.execution {
            lines.push(format!("Execution Time: {execution:.3} ms"));
        }
    }
    lines
}

fn text_node(node: &Node, depth: usize, options: ExplainOptions, lines: &mut Vec<String>) {
    let mut line = match depth {
        0 => String::new(),
        _ => format!("{}->  ", " ".repeat(6 * (depth - 1) + 2)),
    };
    line.push_str(&name(node));
    if let Some(relation) = &node.relation {
        let _ = write!(line, " on {relation}");
    }
    if options.costs {
        let _ = write!(
            line,
            "  (cost={:.2}..{:.2} rows={:.0} width={})",
            node.startup_cost, node.total_cost, node.rows, node.width
        );
    }
    if let Some(actual) = node.actual {
        line.push_str(if options.costs { " " } else { "  " });
        if options.timing {
            let time = actual.milliseconds;
            let _ = write!(line, "(actual time=0.000..{time:.3} rows={} loops=1)", actual.rows);
        } else {
            let _ = write!(line, "(actual rows={} loops=1)", actual.rows);
        }
    }
    lines.push(line);
    let indent = " ".repeat(6 * depth + 2);
    if options.verbose && !node.output.is_empty() {
        lines.push(format!("{indent}Output: {}", node.output.join(", ")));
    }
    let is_shown = |name: &str| name != JOIN_TYPE && (options.verbose || !is_detail(name));
    for (name, property) in node.properties.iter().filter(|(name, _)| is_shown(name)) {
        match property {
            Property::Text(text) => lines.push(format!("{indent}{name}: {text}")),
            Property::List(all) => lines.push(format!("{indent}{name}: {}", all.join(", "))),
        }
    }
    for child in &node.children {
        text_node(child, depth + 1, options, lines);
    }
}

/// Whether only VERBOSE shows a property.
fn is_detail(name: &str) -> bool {
    matches!(name, FILES | METRICS)
}

/// Name of an operator; a join that is not inner says so.
fn name(node: &Node) -> String {
    let name = node.shown.unwrap_or(node.kind);
    let join = node.properties.iter().find_map(|(name, property)| match property {
        Property::Text(join) if *name == JOIN_TYPE && join != "Inner" => Some(join),
        _ => None,
    });
    match (join, name.strip_suffix(" Join")) {
        (None, _) => name.to_owned(),
        (Some(join), Some(kind)) => format!("{kind} {join} Join"),
        (Some(join), None) => format!("{name} {join} Join"),
    }
}

/// The whole document.
pub(super) fn json(root: &Node, options: ExplainOptions, times: Times) -> String {
    let mut out = String::from("[\n");
    json_object(&document(root, options, times), 1, &mut out);
    out.push_str("\n]");
    out
}

/// The whole document.
pub(super) fn yaml(root: &Node, options: ExplainOptions, times: Times) -> String {
    let mut out = String::new();
    yaml_object(&document(root, options, times), 0, &mut out);
    out.trim_end().to_owned()
}

fn document(root: &Node, options: ExplainOptions, times: Times) -> Fields {
    let mut fields = vec![("Plan".to_owned(), Value::Nodes(vec![fields_of(root, None, options)]))];
    if options.summary.unwrap_or(options.analyze) {
        fields.push(number("Planning Time", format!("{:.3}", times.planning)));
        if let Some(execution) = times.execution {
            fields.push(number("Execution Time", format!("{execution:.3}")));
        }
    }
    fields
}

fn number(name: &str, value: String) -> (String, Value) {
    (name.to_owned(), Value::Number(value))
}

fn fields_of(node: &Node, relationship: Option<&str>, options: ExplainOptions) -> Fields {
    let text = |name: &str, value: &str| (name.to_owned(), Value::Text(value.to_owned()));
    let mut fields = vec![text("Node Type", node.kind)];
    if node.kind == "Aggregate" {
        let is_plain = node.shown.is_none();
        fields.push(text("Strategy", if is_plain { "Plain" } else { "Hashed" }));
        fields.push(text("Partial Mode", "Simple"));
    }
    if let Some(relationship) = relationship {
        fields.push(text("Parent Relationship", relationship));
    }
    fields.push(("Parallel Aware".to_owned(), Value::Bool(false)));
    fields.push(("Async Capable".to_owned(), Value::Bool(false)));
    if let Some(relation) = &node.relation {
        let is_function = node.kind == "Function Scan";
        fields.push(text(if is_function { "Function Name" } else { "Relation Name" }, relation));
        fields.push(text("Alias", relation));
    }
    if options.costs {
        fields.push(number("Startup Cost", format!("{:.2}", node.startup_cost)));
        fields.push(number("Total Cost", format!("{:.2}", node.total_cost)));
        fields.push(number("Plan Rows", format!("{:.0}", node.rows)));
        fields.push(number("Plan Width", node.width.to_string()));
    }
    if let Some(actual) = node.actual {
        if options.timing {
            fields.push(number("Actual Startup Time", "0.000".to_owned()));
            fields.push(number("Actual Total Time", format!("{:.3}", actual.milliseconds)));
        }
        fields.push(number("Actual Rows", actual.rows.to_string()));
        fields.push(number("Actual Loops", "1".to_owned()));
    }
    if options.verbose && !node.output.is_empty() {
        fields.push(("Output".to_owned(), Value::List(node.output.clone())));
    }
    let is_shown = |name: &str| options.verbose || !is_detail(name);
    for (name, property) in node.properties.iter().filter(|(name, _)| is_shown(name)) {
        let value = match property {
            Property::Text(text) => Value::Text(text.clone()),
            Property::List(all) => Value::List(all.clone()),
        };
        fields.push(((*name).to_owned(), value));
    }
    if !node.children.is_empty() {
        let is_append = node.kind == "Append";
        let children = node.children.iter().enumerate().map(|(at, child)| {
            let relationship = match at {
                _ if is_append => "Member",
                0 => "Outer",
                _ => "Inner",
            };
            fields_of(child, Some(relationship), options)
        });
        fields.push(("Plans".to_owned(), Value::Nodes(children.collect())));
    }
    fields
}

fn json_object(fields: &Fields, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let _ = write!(out, "{indent}{{");
    for (at, (name, value)) in fields.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(out, "{comma}\n{indent}  {}: ", quoted(name));
        match value {
            Value::Text(text) => out.push_str(&quoted(text)),
            Value::Number(number) => out.push_str(number),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::List(all) => {
                let all: Vec<String> = all.iter().map(|text| quoted(text)).collect();
                let _ = write!(out, "[{}]", all.join(", "));
            }
            // The plan itself is an object, its children an array.
            Value::Nodes(nodes) if name == "Plan" => {
                let mut inner = String::new();
                nodes.iter().for_each(|node| json_object(node, depth + 1, &mut inner));
                out.push_str(inner.trim_start());
            }
            Value::Nodes(nodes) => {
                out.push_str("[\n");
                for (at, node) in nodes.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ",\n" });
                    json_object(node, depth + 2, out);
                }
                let _ = write!(out, "\n{indent}  ]");
            }
        }
    }
    let _ = write!(out, "\n{indent}}}");
}

fn yaml_object(fields: &Fields, depth: usize, out: &mut String) {
    for (at, (name, value)) in fields.iter().enumerate() {
        let _ = match at {
            0 => write!(out, "{}- {name}: ", "  ".repeat(depth)),
            _ => write!(out, "{}{name}: ", "  ".repeat(depth + 1)),
        };
        match value {
            Value::Text(text) => out.push_str(&quoted(text)),
            Value::Number(number) => out.push_str(number),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::List(all) => {
                for text in all {
                    let _ = write!(out, "\n{}- {}", "  ".repeat(depth + 2), quoted(text));
                }
            }
            Value::Nodes(nodes) => {
                out.push('\n');
                for node in nodes {
                    if name == "Plan" {
                        // The plan itself is an object, its children a list.
                        let mut inner = String::new();
                        yaml_object(node, depth + 1, &mut inner);
                        out.push_str(&inner.replacen("- ", "  ", 1));
                    } else {
                        yaml_object(node, depth + 2, out);
                    }
                }
                continue;
            }
        }
        out.push('\n');
    }
}

/// A JSON string, which is a YAML string too.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::super::Actual;
    use super::*;
    use crate::statement::ExplainFormat;

    fn plan() -> Node {
        let scan = Node {
            kind: "Seq Scan",
            relation: Some("blocks".to_owned()),
            properties: vec![("Filter", Property::Text("(miner = \"\\x00\")".to_owned()))],
            output: vec!["number".to_owned()],
            rows: 7.0,
            width: 8,
            total_cost: 1.5,
            actual: Some(Actual { rows: 3, milliseconds: 0.25 }),
            ..Node::default()
        };
        Node {
            kind: "Sort",
            properties: vec![("Sort Key", Property::List(vec!["number".to_owned()]))],
            rows: 7.0,
            width: 8,
            startup_cost: 1.5,
            total_cost: 2.0,
            children: vec![scan],
            ..Node::default()
        }
    }

    fn options(format: ExplainFormat) -> ExplainOptions {
        ExplainOptions { format, verbose: true, ..ExplainOptions::default() }
    }

    #[test]
    fn text_is_laid_out_as_postgresql_lays_it_out() {
        let lines = text(&plan(), options(ExplainFormat::Text), Times::default());
        assert_eq!(
            lines,
            [
                "Sort  (cost=1.50..2.00 rows=7 width=8)",
                "  Sort Key: number",
                "  ->  Seq Scan on blocks  (cost=0.00..1.50 rows=7 width=8) (actual time=0.000..0.250 rows=3 loops=1)",
                "        Output: number",
                "        Filter: (miner = \"\\x00\")",
            ]
        );
    }

    #[test]
    fn json_is_an_array_with_one_object_that_has_a_plan() {
        let shown = json(&plan(), options(ExplainFormat::Json), Times::default());
        let parsed: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let plan = &parsed[0]["Plan"];
        assert_eq!(plan["Node Type"], "Sort");
        assert_eq!(plan["Plans"][0]["Relation Name"], "blocks");
        assert_eq!(plan["Plans"][0]["Parent Relationship"], "Outer");
        assert_eq!(plan["Plans"][0]["Actual Rows"], 3);
        assert_eq!(plan["Plans"][0]["Filter"], "(miner = \"\\x00\")");
    }

    #[test]
    fn yaml_nests_plans_by_indentation() {
        let mut options = options(ExplainFormat::Yaml);
        (options.costs, options.verbose) = (false, false);
        let shown = yaml(&plan(), options, Times::default());
        assert!(shown.starts_with("- Plan: \n    Node Type: \"Sort\"\n"), "{shown}");
        assert!(shown.contains("\n      - Node Type: \"Seq Scan\"\n"), "{shown}");
    }
}
