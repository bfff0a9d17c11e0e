//! What is imported: one recorded chain and minted ones, each a file of one kind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tests::mint::{Content, Fork, Format, MintConfig, Schedule, mint_file};

/// Kind of a block file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// ERA1 archive.
    Era1,
    /// RLP chain with its receipts in a second file.
    Rlp,
    /// JSON-RPC replies, gzipped.
    Ndjson,
}

/// One chain on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Name in the tables.
    pub name: String,
    /// Kind of `file`.
    pub kind: FileKind,
    /// Blocks.
    pub file: PathBuf,
    /// Receipts of an RLP chain.
    pub receipts: Option<PathBuf>,
}

impl Dataset {
    /// Size of all its files as stored, bytes.
    ///
    /// # Errors
    /// When a file is gone.
    pub fn size_bytes(&self) -> io::Result<u64> {
        let files = std::iter::once(&self.file).chain(&self.receipts);
        files.map(|file| Ok(fs::metadata(file)?.len())).sum()
    }

    /// As arguments of a child process.
    pub fn to_arguments(&self) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        let receipts = self.receipts.as_deref().map_or(String::new(), text);
        vec![self.name.clone(), format!("{:?}", self.kind), text(&self.file), receipts]
    }

    /// The reverse of [`Self::to_arguments`].
    pub fn from_arguments(arguments: &[String]) -> Option<Self> {
        let [name, kind, file, receipts] = arguments else { return None };
        let kinds = [FileKind::Era1, FileKind::Rlp, FileKind::Ndjson];
        Some(Self {
            name: name.clone(),
            kind: kinds.into_iter().find(|known| format!("{known:?}") == *kind)?,
            file: file.into(),
            receipts: (!receipts.is_empty()).then(|| receipts.into()),
        })
    }
}

/// The recorded chain of 301 blocks and 14,684 transactions that the demo bundles; `None` where neither
/// the repository nor the data folder has it.
pub fn recorded() -> Option<Dataset> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = std::env::var_os("ERGOSQL_TEST_DATA")
        .map_or_else(|| repository.join("../shared/data"), PathBuf::from);
    let places = [
        repository.join("cli/demo/chain.ndjson.gz"),
        data.join("own/anvil-301x50/chain.ndjson.gz"),
    ];
    let file = places.into_iter().find(|place| place.exists())?;
    Some(Dataset { name: "anvil-301x50".into(), kind: FileKind::Ndjson, file, receipts: None })
}

/// Mints one chain of each kind into `folder`; `scale` multiplies the number of blocks.
///
/// # Errors
/// What the disk returns.
pub fn minted(folder: &Path, scale: u64) -> io::Result<Vec<Dataset>> {
    let shapes = [
        (FileKind::Ndjson, "minted-ndjson", "chain.ndjson.gz", Fork::Osaka, 100, 2),
        (FileKind::Rlp, "minted-rlp", "chain.rlp", Fork::Osaka, 100, 2),
        (FileKind::Era1, "minted-era1", "chain.era1", Fork::ArrowGlacier, 300, 1),
    ];
    shapes
        .into_iter()
        .map(|(kind, name, file, fork, transactions_per_block, logs_per_transaction)| {
            let folder = folder.join(name);
            fs::create_dir_all(&folder)?;
            let config = MintConfig {
                block_count: 100 * scale,
                transactions_per_block,
                logs_per_transaction,
                ..transfers(fork)
            };
            let (format, receipts) = match kind {
                FileKind::Ndjson => (Format::Ndjson, None),
                FileKind::Rlp => (Format::Rlp, Some(folder.join("receipts.ndjson.gz"))),
                FileKind::Era1 => (Format::Era1, None),
            };
            let file = folder.join(file);
            mint_file(config, format, &file, receipts.as_deref(), |_| ())?;
            Ok(Dataset { name: name.into(), kind, file, receipts })
        })
        .collect()
}

/// Token transfers between ten thousand holders, sent by a thousand of them.
pub fn transfers(fork: Fork) -> MintConfig {
    MintConfig {
        content: Content::Transfers,
        schedule: Schedule::always(fork),
        account_count: 1000,
        holder_count: 10_000,
        ..MintConfig::default()
    }
}
