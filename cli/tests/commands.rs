//! The binary as a user runs it: exit codes, one clear line per error, nothing lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tempfile::TempDir;

fn ergosql(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergosql"))
        .arg("--data")
        .arg(data)
        .args(arguments)
        .current_dir(data.parent().unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn demo_chain() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/chain.ndjson.gz")
}

/// Lines of the demo chain, one block each.
fn demo_lines() -> Vec<String> {
    let mut text = String::new();
    let file = std::fs::File::open(demo_chain()).unwrap();
    std::io::Read::read_to_string(&mut GzDecoder::new(file), &mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        ergosql(&self.data(), arguments)
    }

    fn import(&self, file: &str) -> Output {
        self.run(&["import", "--network", "demo", file])
    }

    fn count(&self, table: &str) -> String {
        let sql = format!("SET ergo.allow_gaps = on; SELECT count(*) FROM chain.{table}");
        let output = self.run(&["query", "--network", "demo", "--format", "csv", &sql]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).lines().last().unwrap().to_owned()
    }
}

/// Exit code 1 and one line on standard error that names each of `parts`.
fn assert_one_clear_line(output: &Output, parts: &[&str]) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("ergosql: "), "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "no {part:?} in {stderr}");
    }
}

#[test]
fn files_that_are_no_block_files_get_one_clear_line() {
    let place = Place::new();
    let missing = place.folder.path().join("missing.era1");
    assert_one_clear_line(
        &place.import(missing.to_str().unwrap()),
        &["missing.era1", "No such file"],
    );
    let folder = place.folder.path().to_str().unwrap().to_owned();
    assert_one_clear_line(&place.import(&folder), &[&folder]);
    for (name, bytes) in [
        ("empty.ndjson", &b""[..]),
        ("text.txt", b"hello, this is no block file\n"),
        ("noise.bin", &[0xfe, 0x01, 0x99, 0x00, 0x42, 0x17]),
        ("truncated.gz", &[0x1f, 0x8b, 0x08, 0x00]),
    ] {
        let file = place.file(name, bytes);
        assert_one_clear_line(&place.import(&file), &[name]);
    }
}

#[test]
fn importing_again_changes_nothing() {
    let place = Place::new();
    let chain = demo_chain();
    let first = place.import(chain.to_str().unwrap());
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(text(&first.stdout).contains("301 blocks stored"), "{}", text(&first.stdout));
    let again = place.import(chain.to_str().unwrap());
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains("0 blocks stored, 301 already there"));
    assert_eq!(place.count("logs"), "18690");
}

#[test]
fn a_truncated_file_keeps_the_blocks_before_the_cut() {
    let place = Place::new();
    let mut lines = demo_lines();
    lines.truncate(150);
    let cut = lines[149].len() / 2;
    lines[149].truncate(cut);
    let file = place.file("cut.ndjson", lines.join("\n").as_bytes());
    let output = place.import(&file);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("150"), "{}", text(&output.stderr));
    assert_eq!(place.count("blocks"), "149");
}

#[test]
fn a_forged_field_is_refused_by_name_and_the_good_blocks_stay() {
    let place = Place::new();
    let mut lines = demo_lines();
    let honest = lines[120].clone();
    lines[120] = honest.replacen("cumulativeGasUsed\":\"0x", "cumulativeGasUsed\":\"0x1", 1);
    assert_ne!(lines[120], honest);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(lines.join("\n").as_bytes()).unwrap();
    let file = place.file("forged.ndjson.gz", &gzip.finish().unwrap());
    let output = place.import(&file);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("block 120: receipts root is 0x"), "{stderr}");
    assert!(stderr.contains("recomputed 0x"), "{stderr}");
    assert_eq!(place.count("blocks"), "300");
    let gaps =
        place.run(&["query", "--format", "csv", "SELECT first_block, last_block FROM ergo.gaps"]);
    assert_eq!(text(&gaps.stdout), "first_block,last_block\n120,120\n");
}

#[test]
fn another_chain_is_not_mixed_into_a_network() {
    let place = Place::new();
    std::fs::write(
        place.folder.path().join("ergosql.toml"),
        "[[network]]\nname = 'demo'\nfamily = 'evm'\nchain_id = 1\n",
    )
    .unwrap();
    let output = place.import(demo_chain().to_str().unwrap());
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("31337"), "{stderr}");
}

#[test]
fn usage_errors_exit_with_2() {
    let place = Place::new();
    assert_eq!(place.run(&["import"]).status.code(), Some(2));
    assert_eq!(place.run(&["frobnicate"]).status.code(), Some(2));
    assert_eq!(place.run(&["--help"]).status.code(), Some(0));
}

#[test]
fn a_query_error_names_code_and_hint() {
    let place = Place::new();
    assert_one_clear_line(&place.run(&["query", "SELECT 1"]), &["holds no network"]);
    place.import(demo_chain().to_str().unwrap());
    assert_one_clear_line(
        &place.run(&["query", "SELECT nope FROM chain.blocks"]),
        &["42703", "nope"],
    );
}

#[test]
fn a_role_secret_is_a_scram_verifier_that_hides_the_password() {
    let place = Place::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ergosql"))
        .args(["role", "password", "ana"])
        .current_dir(place.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse\n").unwrap();
    let out = text(&child.wait_with_output().unwrap().stdout);
    assert!(out.contains("name = \"ana\"") && out.contains("SCRAM-SHA-256$"), "{out}");
    assert!(!out.contains("correct horse"));
}
