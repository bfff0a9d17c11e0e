//! Log set-up: spans and events of all crates, to standard error.

use tracing_subscriber::EnvFilter;

/// Logs warnings and errors of all crates; `ERGOSQL_LOG` takes a filter such as `info` or
/// `pg_gateway=debug`. A second call does nothing.
pub fn start() {
    let filter = EnvFilter::try_from_env("ERGOSQL_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // Already set by a test that started two services: the first one stays.
    let _already_set =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
