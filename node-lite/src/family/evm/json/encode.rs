//! Canonical RLP of JSON objects.

use alloy_primitives::U256;
use alloy_rlp::{Encodable, Header};

use super::hex::{Data, Fixed, Quantity};
use super::model::{Access, Authorization, Block, Log, Receipt, Transaction, Withdrawal};
use super::{Parsed, TransactionType};

impl<const N: usize> Fixed<N> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.as_slice().encode(out);
    }
}

impl Quantity {
    fn encode(self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Data<'_> {
    fn encode(&self, out: &mut Vec<u8>) -> Parsed<()> {
        let start = out.len();
        if self.byte_count() != 1 {
            Header { list: false, payload_length: self.byte_count() }.encode(out);
            return self.decode_into(out);
        }
        self.decode_into(out)?;
        // One byte below 0x80 stands for itself.
        if out[start] >= 0x80 {
            out.insert(start, 0x81);
        }
        Ok(())
    }
}

/// Appends a list whose payload `write` appends.
pub(super) fn list(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Parsed<()>,
) -> Parsed<()> {
    let start = out.len();
    write(out)?;
    let header = Header { list: true, payload_length: out.len() - start };
    header.encode(out);
    out[start..].rotate_right(header.length());
    Ok(())
}

/// Appends a block header. A fork's field needs those of the forks before.
pub(super) fn header(out: &mut Vec<u8>, block: &Block<'_>) -> Parsed<()> {
    list(out, |out| {
        block.parent_hash.encode(out);
        block.sha3_uncles.encode(out);
        block.miner.encode(out);
        block.state_root.encode(out);
        block.transactions_root.encode(out);
        block.receipts_root.encode(out);
        block.logs_bloom.encode(out);
        block.difficulty.encode(out);
        block.number.encode(out);
        block.gas_limit.encode(out);
        block.gas_used.encode(out);
        block.timestamp.encode(out);
        block.extra_data.encode(out)?;
        block.mix_hash.encode(out);
        block.nonce.encode(out);
        fork_fields(out, block)
    })
}

fn fork_fields(out: &mut Vec<u8>, block: &Block<'_>) -> Parsed<()> {
    let mut missing = None;
    let mut add = |name: &'static str, written: Option<()>| match (written, missing) {
        (Some(()), Some(earlier)) => Err(format!("block has {name} but no {earlier}")),
        (None, None) => {
            missing = Some(name);
            Ok(())
        }
        _ => Ok(()),
    };
    add("baseFeePerGas", block.base_fee_per_gas.map(|value| value.encode(out)))?;
    add("withdrawalsRoot", block.withdrawals_root.map(|value| value.encode(out)))?;
    add("blobGasUsed", block.blob_gas_used.map(|value| value.encode(out)))?;
    add("excessBlobGas", block.excess_blob_gas.map(|value| value.encode(out)))?;
    add("parentBeaconBlockRoot", block.parent_beacon_block_root.map(|value| value.encode(out)))?;
    add("requestsHash", block.requests_hash.map(|value| value.encode(out)))
}

/// Appends the canonical bytes of a transaction and says which type it is.
pub(super) fn transaction(out: &mut Vec<u8>, tx: &Transaction<'_>) -> Parsed<TransactionType> {
    let code = tx.kind_code();
    let kind = TransactionType::from_code(code)
        .ok_or_else(|| format!("transaction type {code} is not supported (0 to 4 are)"))?;
    let is_typed = kind != TransactionType::Legacy;
    if is_typed {
        out.push(kind as u8);
    }
    list(out, |out| {
        if is_typed {
            required("chainId", tx.chain_id)?.encode(out);
        }
        tx.nonce.encode(out);
        if kind.has_fee_cap() {
            required("maxPriorityFeePerGas", tx.max_priority_fee_per_gas)?.encode(out);
            required("maxFeePerGas", tx.max_fee_per_gas)?.encode(out);
        } else {
            required("gasPrice", tx.gas_price)?.encode(out);
        }
        tx.gas.encode(out);
        match &tx.to {
            Some(to) => to.encode(out),
            None => out.push(0x80),
        }
        tx.value.encode(out);
        tx.input.encode(out)?;
        if is_typed {
            access_list(out, tx.access_list.as_deref().unwrap_or_default())?;
        }
        if kind == TransactionType::Blob {
            required("maxFeePerBlobGas", tx.max_fee_per_blob_gas)?.encode(out);
            let hashes = required("blobVersionedHashes", tx.blob_versioned_hashes.as_deref())?;
            hash_list(out, hashes)?;
        }
        if kind == TransactionType::SetCode {
            let given = required("authorizationList", tx.authorization_list.as_deref())?;
            list(out, |out| given.iter().try_for_each(|entry| authorization(out, entry)))?;
        }
        if is_typed {
            parity(tx.y_parity, tx.v)?.encode(out);
        } else {
            required("v", tx.v)?.encode(out);
        }
        tx.r.encode(out);
        tx.s.encode(out);
        Ok(())
    })?;
    Ok(kind)
}

fn required<T>(key: &str, value: Option<T>) -> Parsed<T> {
    value.ok_or_else(|| format!("{key} is missing"))
}

/// `yParity`, or `v` which older replies have instead; both only when they agree.
fn parity(y_parity: Option<Quantity>, v: Option<Quantity>) -> Parsed<U256> {
    match (y_parity, v) {
        (Some(parity), Some(v)) if parity.0 != v.0 => {
            Err(format!("yParity is {}, v is {}", parity.0, v.0))
        }
        (parity, v) => Ok(required("yParity", parity.or(v))?.0),
    }
}

fn hash_list(out: &mut Vec<u8>, hashes: &[Fixed<32>]) -> Parsed<()> {
    list(out, |out| {
        hashes.iter().for_each(|hash| hash.encode(out));
        Ok(())
    })
}

fn access_list(out: &mut Vec<u8>, entries: &[Access]) -> Parsed<()> {
    list(out, |out| {
        entries.iter().try_for_each(|entry| {
            list(out, |out| {
                entry.address.encode(out);
                hash_list(out, &entry.storage_keys)
            })
        })
    })
}

fn authorization(out: &mut Vec<u8>, entry: &Authorization) -> Parsed<()> {
    list(out, |out| {
        entry.chain_id.encode(out);
        entry.address.encode(out);
        entry.nonce.encode(out);
        parity(entry.y_parity, entry.v)?.encode(out);
        entry.r.encode(out);
        entry.s.encode(out);
        Ok(())
    })
}

/// Appends the list of withdrawals.
pub(super) fn withdrawals(out: &mut Vec<u8>, withdrawals: &[Withdrawal]) -> Parsed<()> {
    list(out, |out| {
        withdrawals.iter().try_for_each(|withdrawal| {
            list(out, |out| {
                withdrawal.index.encode(out);
                withdrawal.validator_index.encode(out);
                withdrawal.address.encode(out);
                withdrawal.amount.encode(out);
                Ok(())
            })
        })
    })
}

/// Appends the canonical bytes of a receipt; `default_kind` is its transaction's type, which holds
/// where the reply states none.
pub(super) fn receipt(out: &mut Vec<u8>, receipt: &Receipt<'_>, default_kind: u64) -> Parsed<()> {
    let code = receipt.kind.map_or(default_kind, |kind| u64::try_from(kind.0).unwrap_or(u64::MAX));
    let kind = TransactionType::from_code(code)
        .ok_or_else(|| format!("receipt type {code} is not supported (0 to 4 are)"))?;
    if kind != TransactionType::Legacy {
        out.push(kind as u8);
    }
    list(out, |out| {
        // Before Byzantium a receipt has a state root; some nodes send an empty one since then.
        match (&receipt.root, receipt.status) {
            (Some(root), _) if root.byte_count() > 0 => root.encode(out)?,
            (_, status) => required("status", status)?.encode(out),
        }
        receipt.cumulative_gas_used.encode(out);
        receipt.logs_bloom.encode(out);
        list(out, |out| receipt.logs.iter().try_for_each(|entry| log(out, entry)))
    })
}

fn log(out: &mut Vec<u8>, log: &Log<'_>) -> Parsed<()> {
    list(out, |out| {
        log.address.encode(out);
        hash_list(out, &log.topics)?;
        log.data.encode(out)
    })
}
