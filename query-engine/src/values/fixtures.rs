//! Values as PostgreSQL printed and sent them; `fixtures/values.sql` makes the file.

use std::sync::LazyLock;

use crate::PgType;

use crate::values::encode::TextStyle;

/// One value of PostgreSQL in both formats.
pub(crate) struct Value {
    pub(crate) pg_type: PgType,
    pub(crate) style: TextStyle,
    pub(crate) text: String,
    pub(crate) binary: Vec<u8>,
    /// Where it is in the file, for messages.
    pub(crate) origin: String,
}

/// All values of the file.
pub(crate) fn values() -> &'static [Value] {
    static VALUES: LazyLock<Vec<Value>> =
        LazyLock::new(|| include_str!("../../fixtures/values.tsv").lines().map(parse).collect());
    &VALUES
}

fn parse(line: &str) -> Value {
    let fields: Vec<&str> = line.split('\t').collect();
    let [kind, setting, text, binary] = fields[..] else { panic!("not four fields: {line}") };
    let (name, value) = setting.split_once('=').unwrap_or_default();
    let style = TextStyle::new(|asked| (asked == name).then(|| value.to_owned())).unwrap();
    Value {
        pg_type: type_named(kind),
        style,
        text: unescape(text),
        binary: (0..binary.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&binary[at..at + 2], 16).unwrap())
            .collect(),
        origin: line.to_owned(),
    }
}

fn type_named(kind: &str) -> PgType {
    let name = kind.trim_end_matches("[]").trim_matches('"');
    // Object ids of every type that is supported lie below this.
    let base = (0..6_000).filter_map(PgType::from_oid).find(|known| known.name() == name).unwrap();
    if kind.ends_with("[]") { base.array().unwrap() } else { base }
}

/// Undoes the escapes of COPY.
fn unescape(text: &str) -> String {
    let (mut plain, mut characters) = (String::new(), text.chars());
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next().unwrap() {
                't' => '\t',
                'n' => '\n',
                'v' => '\x0b',
                other => other,
            },
            other => other,
        });
    }
    plain
}
