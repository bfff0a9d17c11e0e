//! `ergosql query`: one statement, answered on standard output. Goes through the same engine and the
//! same text encoding as a Postgres client.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use query_engine::values::TextStyle;
use query_engine::{Engine, EngineConfig, Outcome, Principal, QueryError, Rows, Session};
use schemas::SystemClock;

use crate::config::Config;
use crate::service::open_store;

mod format;

use format::RowWriter;

/// Arguments of `query`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ergosql query --network ethereum \"SELECT number, hash FROM chain.blocks ORDER BY number DESC LIMIT 5\"
  ergosql query --network ethereum --format csv \"SELECT * FROM chain.logs WHERE block_number = 15537394\"
  ergosql query --format json \"SELECT * FROM ergo.networks\"")]
pub(super) struct QueryArguments {
    /// Network to query [default: the only one there is]
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// SQL text; several statements are separated by ;
    sql: String,
}

/// Output formats. Numbers are printed exactly in each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Aligned columns
    Table,
    /// Comma-separated values with a header line (RFC 4180)
    Csv,
    /// One JSON object a line; numbers beyond 2^53 and all numerics as strings
    Json,
}

pub(super) fn run(arguments: &QueryArguments, config: &Config) -> anyhow::Result<()> {
    let store = open_store(config)?;
    let engine_config = EngineConfig {
        threads: config.query.threads,
        memory_bytes_max: config.query.memory_mib_max << 20,
    };
    let engine = Engine::new(store, engine_config, Arc::new(SystemClock::new()))?;
    let database = match (&arguments.network, engine.databases().as_slice()) {
        (Some(name), _) => name.clone(),
        (None, [only]) => only.clone(),
        (None, []) => bail!("{} holds no network; import one first", config.data.display()),
        (None, several) => bail!("name one of the networks with --network: {}", several.join(", ")),
    };
    let principal = Principal { role: "ergosql".to_owned(), may_create: true };
    let mut session = engine.session(&database, principal, &[]).map_err(explain)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(run_statements(&mut session, &arguments.sql, arguments.format))
}

async fn run_statements(session: &mut Session, sql: &str, format: Format) -> anyhow::Result<()> {
    for statement in session.parse(sql).map_err(explain)? {
        let prepared = session.prepare(statement, &[]).await.map_err(explain)?;
        let outcome = session
            .execute(&prepared, &[], tokio_util::sync::CancellationToken::new())
            .await
            .map_err(explain)?;
        for notice in session.take_notices() {
            eprintln!("{}: {}", notice.severity, notice.message);
        }
        match outcome {
            Outcome::Rows(rows) => {
                let style = TextStyle::new(|name| session.setting(name)).map_err(explain)?;
                print_rows(rows, format, &style).await?;
            }
            Outcome::Done { tag } => println!("{tag}"),
            Outcome::CopyOut { .. } | Outcome::CopyIn(_) => {
                bail!("COPY needs a client connection; use --format or psql")
            }
            Outcome::Empty => {}
        }
    }
    Ok(())
}

async fn print_rows(mut rows: Rows, format: Format, style: &TextStyle) -> anyhow::Result<()> {
    let columns = Arc::clone(rows.columns());
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut writer = RowWriter::new(format, &columns, style);
    while let Some(batch) = rows.next().await {
        writer.write(&mut output, &batch.map_err(explain)?)?;
    }
    writer.finish(&mut output)?;
    output.flush()?;
    Ok(())
}

/// One line with everything a reader needs: code, message, detail, hint.
fn explain(error: QueryError) -> anyhow::Error {
    let mut text = format!("{} (SQLSTATE {})", error.message, error.state.0);
    for (label, part) in [("detail", error.detail), ("hint", error.hint)] {
        if let Some(part) = part {
            text.push_str(&format!("; {label}: {part}"));
        }
    }
    anyhow::anyhow!(text)
}
