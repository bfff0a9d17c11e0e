//! Where the recorded chains are.
#![allow(clippy::print_stdout, reason = "says why a test does nothing")]

use std::path::{Path, PathBuf};

/// A file of the test data, or `None` with a line that says so.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = std::env::var_os("ERGOSQL_TEST_DATA")
        .map_or_else(|| workspace.join("../shared/data"), PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        println!("skipped: no data ({} is not there)", path.display());
        return None;
    }
    Some(path)
}
