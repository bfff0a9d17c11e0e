//! Recorded protocol scenarios: the same bytes must get the answers that PostgreSQL 16 gave.
//!
//! Message types, columns, values, tags, SQLSTATEs and transaction states are compared; the words of
//! errors and notices are not, nor settings reported beside them. What differs for a reason stands in
//! [`REVIEWED`], and in `docs/compatibility.md`.

use serde_json::Value;
use tests::service::{Fixture, TestService};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw::startup;

/// A server that says nothing for so long says nothing more.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Scenarios that differ, with the steps (from 0) that do, and why.
const REVIEWED: &[(&str, &[usize], &str)] = &[
    ("set + reset + discard", &[8], "client_encoding is UTF8: no other encoding is converted"),
    ("copy out", &[3], "no statement writes a file of the server: refused before it is tried"),
    ("column names", &[0], "the recording has the clock's values, and schema public"),
];

/// The demo chain under the database name that the recordings use.
fn fixture() -> Fixture {
    Fixture { network: "postgres", ..Fixture::demo() }
}

#[tokio::test]
async fn recorded_scenarios_get_the_answers_of_postgresql_16() {
    let service = TestService::start(&[fixture()]).await;
    let mut scenarios: Vec<Value> = Vec::new();
    for text in [
        include_str!("../fixtures/postgresql16/scenarios.json"),
        include_str!("../fixtures/postgresql16/more_scenarios.json"),
    ] {
        scenarios.extend(serde_json::from_str::<Vec<Value>>(text).unwrap());
    }
    let mut wrong = Vec::new();
    for scenario in &scenarios {
        let name = scenario["name"].as_str().unwrap();
        let differing = play(service.port(), scenario).await;
        let reviewed = REVIEWED.iter().find(|(reviewed, ..)| *reviewed == name);
        let allowed = reviewed.map_or(&[][..], |(_, steps, _)| *steps);
        for (step, expected, found) in differing {
            if !allowed.contains(&step) {
                wrong.push(format!(
                    "{name}, step {step}\n  PostgreSQL {expected}\n  here       {found}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} steps differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(scenarios.len(), 99);
}

/// Steps whose answer is another, with what PostgreSQL said and what came.
async fn play(port: u16, scenario: &Value) -> Vec<(usize, String, String)> {
    let mut differing = Vec::new();
    let mut parameters = vec![("user", "postgres"), ("database", "postgres")];
    if let Some(more) = scenario["parameters"].as_object() {
        parameters
            .extend(more.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())));
    }
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(&startup(&parameters)).await.unwrap();
    let greeting = answer(&mut stream, "ZE", 1).await;
    if let Some(expected) = scenario["start"].as_array() {
        compare(usize::MAX, expected, &greeting, &mut differing);
    }
    for (number, step) in scenario["steps"].as_array().unwrap().iter().enumerate() {
        let Some(expected) = step["answer"].as_array() else { break };
        let bytes = unhex(step["send"].as_str().unwrap());
        // A server that has closed already shows itself in the answer.
        let _sent = stream.write_all(&bytes).await;
        let (last, count) = (step["until"].as_str().unwrap(), step["count"].as_u64().unwrap());
        let found = answer(&mut stream, last, count).await;
        compare(number, expected, &found, &mut differing);
        if matches!(found.last().map(|message| message[0].as_str()), Some("<eof>" | "<timeout>")) {
            break;
        }
    }
    differing
}

fn compare(
    step: usize,
    expected: &[Value],
    found: &[Vec<String>],
    differing: &mut Vec<(usize, String, String)>,
) {
    let expected: Vec<Vec<String>> = expected
        .iter()
        .map(|message| message.as_array().unwrap().iter().map(shown).collect())
        .collect();
    let (expected, found) = (comparable(&expected), comparable(found));
    if expected != found {
        differing.push((step, format!("{expected:?}"), format!("{found:?}")));
    }
}

fn shown(field: &Value) -> String {
    match field {
        Value::Null => "<null>".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The messages without settings, and errors and notices without their words.
fn comparable(messages: &[Vec<String>]) -> Vec<Vec<String>> {
    let plain = messages.iter().filter(|message| message[0] != "S");
    plain
        .map(|message| match message[0].as_str() {
            "E" | "N" => {
                let kept = |field: &&String| field.starts_with("S=") || field.starts_with("C=");
                let fields = message[1..].iter().filter(kept).cloned();
                std::iter::once(message[0].clone()).chain(fields).collect()
            }
            _ => message.clone(),
        })
        .collect()
}

/// Messages up to the `count`th of one of the types in `last`.
async fn answer(stream: &mut TcpStream, last: &str, count: u64) -> Vec<Vec<String>> {
    let mut messages = Vec::new();
    let mut left = count;
    while left > 0 {
        let message = match tokio::time::timeout(SILENCE, message(stream)).await {
            Err(_) => vec!["<timeout>".to_owned()],
            Ok(None) => vec!["<eof>".to_owned()],
            Ok(Some((kind, body))) => decoded(kind, &body),
        };
        let is_over = message[0].starts_with('<');
        left -= u64::from(last.contains(&message[0]));
        messages.push(message);
        if is_over {
            break;
        }
    }
    messages
}

async fn message(stream: &mut TcpStream) -> Option<(char, Vec<u8>)> {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await.ok()?;
    let length = u32::from_be_bytes(header[1..].try_into().unwrap()) as usize;
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await.ok()?;
    Some((char::from(header[0]), body))
}

/// A message in the words of the recording.
fn decoded(kind: char, body: &[u8]) -> Vec<String> {
    let mut fields = vec![kind.to_string()];
    match kind {
        'R' => fields.push(be(&body[..4]).to_string()),
        'Z' => fields.push(char::from(body[0]).to_string()),
        'C' => fields.push(String::from_utf8_lossy(&body[..body.len() - 1]).into_owned()),
        'S' => fields.extend(texts(body)),
        'E' | 'N' => {
            let texts: Vec<String> = texts(body).collect();
            for code in ["S", "C"] {
                let field = texts.iter().find_map(|text| text.strip_prefix(code));
                fields.extend(field.map(|field| format!("{code}={field}")));
            }
        }
        't' => fields.extend(body[2..].chunks(4).map(|oid| be(oid).to_string())),
        'T' => fields.extend(columns(&body[2..])),
        'D' => fields.extend(cells(&body[2..])),
        'G' | 'H' | 'W' => fields.push(hex(body)),
        'd' => fields.push(String::from_utf8_lossy(body).into_owned()),
        'A' => fields.extend(texts(&body[4..])),
        _ => {}
    }
    fields
}

fn columns(mut body: &[u8]) -> Vec<String> {
    let mut columns = Vec::new();
    while let Some(end) = body.iter().position(|&byte| byte == 0) {
        let name = String::from_utf8_lossy(&body[..end]);
        let rest = &body[end + 1..];
        let (table, oid) = (be(&rest[..4]), be(&rest[6..10]));
        let length = i16::from_be_bytes(rest[10..12].try_into().unwrap());
        let modifier = i32::from_be_bytes(rest[12..16].try_into().unwrap());
        let format = be(&rest[16..18]);
        let origin = if table == 0 { "" } else { "/tab" };
        columns.push(format!("{name}:{oid}/len{length}/mod{modifier}/f{format}{origin}"));
        body = &rest[18..];
    }
    columns
}

fn cells(mut body: &[u8]) -> Vec<String> {
    let mut cells = Vec::new();
    while !body.is_empty() {
        let length = i32::from_be_bytes(body[..4].try_into().unwrap());
        let Ok(length) = usize::try_from(length) else {
            cells.push("<null>".to_owned());
            body = &body[4..];
            continue;
        };
        let value = &body[4..4 + length];
        let is_text = value.iter().all(|&byte| matches!(byte, 9 | 10 | 32..=127));
        cells.push(if is_text {
            String::from_utf8_lossy(value).into_owned()
        } else {
            format!("\\x{}", hex(value))
        });
        body = &body[4 + length..];
    }
    cells
}

fn texts(body: &[u8]) -> impl Iterator<Item = String> {
    let mut parts: Vec<&[u8]> = body.split(|&byte| byte == 0).collect();
    // What follows the last zero byte.
    parts.pop();
    parts.into_iter().map(|part| String::from_utf8_lossy(part).into_owned())
}

fn be(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
