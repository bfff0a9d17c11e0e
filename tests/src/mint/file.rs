//! Minted chains as files, one call per file. Memory stays bounded whatever their size.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::str::FromStr;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Era1Writer, MintConfig, MintedBlock, Minter, NdjsonWriter, RlpChainWriter, Truth};

/// Kinds of block file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One ERA1 archive: before the merge, up to 8192 blocks.
    Era1,
    /// RLP chain, with genesis.json beside it when it starts at block 0.
    Rlp,
    /// JSON-RPC replies, one line per block; gzipped when the name ends in `.gz`.
    Ndjson,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "era1" => Ok(Self::Era1),
            "rlp" => Ok(Self::Rlp),
            "ndjson" => Ok(Self::Ndjson),
            _ => Err(format!("unknown format {text:?}; one of era1, rlp, ndjson")),
        }
    }
}

/// Mints `config` into `path`, and into `receipts`, if given, the same blocks as NDJSON: what completes
/// an RLP chain, which has no receipts. `progress` sees every block.
///
/// # Errors
/// What the disk returns, or `InvalidInput` for blocks that the format cannot hold.
pub fn mint_file(
    config: MintConfig,
    format: Format,
    path: &Path,
    receipts: Option<&Path>,
    mut progress: impl FnMut(&MintedBlock),
) -> io::Result<Truth> {
    let starts_at_genesis = config.first_block == 0;
    let mut minter = Minter::new(config);
    let mut receipts = receipts.map(create).transpose()?.map(NdjsonWriter::new);
    let mut each = |writer: &mut dyn FnMut(&MintedBlock) -> io::Result<()>| {
        for block in minter.by_ref() {
            writer(&block)?;
            if let Some(receipts) = &mut receipts {
                receipts.push(&block)?;
            }
            progress(&block);
        }
        io::Result::Ok(())
    };
    match format {
        Format::Era1 => {
            let mut writer = Era1Writer::new(create(path)?)?;
            each(&mut |block| writer.push(block))?;
            finish(writer.finish()?.0)?;
        }
        Format::Rlp => {
            let mut writer = RlpChainWriter::new(create(path)?);
            each(&mut |block| writer.push(block))?;
            let (out, genesis) = writer.finish(minter.genesis())?;
            finish(out)?;
            if starts_at_genesis {
                fs::write(path.with_file_name("genesis.json"), genesis)?;
            }
        }
        Format::Ndjson => {
            let mut writer = NdjsonWriter::new(create(path)?);
            each(&mut |block| writer.push(block))?;
            finish(writer.finish()?)?;
        }
    }
    if let Some(receipts) = receipts {
        finish(receipts.finish()?)?;
    }
    Ok(minter.truth())
}

/// A buffered file, through gzip when its name ends in `.gz`.
enum Out {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

fn create(path: &Path) -> io::Result<Out> {
    const BUFFER_BYTES: usize = 1 << 20;
    let file = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
    Ok(match path.extension() {
        Some(extension) if extension == "gz" => {
            Out::Gzip(Box::new(GzEncoder::new(file, Compression::fast())))
        }
        _ => Out::Plain(file),
    })
}

fn finish(out: Out) -> io::Result<()> {
    match out {
        Out::Plain(mut file) => file.flush(),
        Out::Gzip(encoder) => encoder.finish()?.flush(),
    }
}

impl Write for Out {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(buffer),
            Self::Gzip(encoder) => encoder.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(encoder) => encoder.flush(),
        }
    }
}

impl Truth {
    /// Counts, balances and owners as JSON; amounts and ids are decimal strings.
    pub fn to_json(&self) -> String {
        let mut json = String::from("{\n");
        if let Some((number, hash)) = self.head {
            _ = writeln!(json, "\"head\": {number},\n\"headHash\": \"{hash}\",");
        }
        _ = writeln!(
            json,
            "\"blocks\": {},\n\"txs\": {},\n\"failedTxs\": {},\n\"logs\": {},\n\"transfers\": {},\n\
             \"withdrawals\": {},\n\"uncles\": {},\n\"balances\": {{",
            self.block_count,
            self.transaction_count,
            self.failed_count,
            self.log_count,
            self.transfer_count,
            self.withdrawal_count,
            self.uncle_count,
        );
        let balances = self
            .balances
            .iter()
            .map(|((token, holder), value)| format!("\"{token:?} {holder:?}\": \"{value}\""));
        json.push_str(&balances.collect::<Vec<_>>().join(",\n"));
        json.push_str("\n},\n\"owners\": {\n");
        let owners = self
            .owners
            .iter()
            .map(|((token, id), holder)| format!("\"{token:?} {id}\": \"{holder:?}\""));
        json.push_str(&owners.collect::<Vec<_>>().join(",\n"));
        json.push_str("\n}\n}\n");
        json
    }
}
