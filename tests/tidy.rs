//! Checks CONTRIBUTING.md: layers, heavy libraries in one crate each, file headers and file length.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Lines of a source file, its tests not counted.
const FILE_LINES_MAX: usize = 500;

/// Crate and the crates of ours that it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("schemas", &[]),
    ("storage", &["schemas"]),
    ("node-lite", &["schemas"]),
    ("indexer", &["schemas", "storage", "node-lite"]),
    ("query-engine", &["schemas", "storage"]),
    ("pg-gateway", &["schemas", "query-engine"]),
    ("cli", &["schemas", "storage", "node-lite", "indexer", "query-engine", "pg-gateway"]),
];

/// Library and the one crate whose code may name it.
const NAMED_ONCE: &[(&str, &str)] = &[
    ("rocksdb", "storage"),
    ("object_store", "storage"),
    ("datafusion", "query-engine"),
    ("pgwire", "pg-gateway"),
    ("clap", "cli"),
    ("anyhow", "cli"),
];

fn root() -> PathBuf {
    tests::data::repository()
}

/// All Rust files of `folder`.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Keys of `[dependencies]` in a crate's manifest.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let key = |line: &str| line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned();
    section.lines().map(key).filter(|key| !key.is_empty() && !key.starts_with('#')).collect()
}

#[test]
fn crates_use_only_crates_below_them() {
    let ours: BTreeSet<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    for (name, allowed) in LAYERS {
        for dependency in dependencies(name) {
            let fine =
                !ours.contains(dependency.as_str()) || allowed.contains(&dependency.as_str());
            assert!(fine, "{name} must not use {dependency}");
        }
    }
}

#[test]
fn a_heavy_library_is_named_by_one_crate() {
    for (library, owner) in NAMED_ONCE {
        for (name, _) in LAYERS.iter().filter(|(name, _)| name != owner) {
            for file in rust_files(&root().join(name).join("src")) {
                let text = std::fs::read_to_string(&file).unwrap();
                let named = text.lines().any(|line| {
                    let line = line.trim_start();
                    !line.starts_with("//") && line.contains(&format!("{library}::"))
                });
                // The engine reads segment files through storage's object store: it hands the store on.
                let handed_on = *library == "object_store" && *name == "query-engine";
                assert!(!named || handed_on, "{} names {library}", file.display());
            }
        }
    }
}

#[test]
fn every_source_file_opens_with_a_map_and_stays_short() {
    let mut failures = Vec::new();
    for folder in LAYERS.iter().map(|(name, _)| *name).chain(["tests", "benches"]) {
        for file in rust_files(&root().join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            if !text.starts_with("//!") && !text.starts_with("#!") {
                failures.push(format!("{} has no //! header", file.display()));
            }
            let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
            if lines > FILE_LINES_MAX {
                failures.push(format!("{} has {lines} lines", file.display()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
