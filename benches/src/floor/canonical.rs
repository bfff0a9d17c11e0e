//! JSON-RPC replies as the bytes that hashes cover. Made before the clock starts: the floor is the cost
//! of hashing, not of JSON.

use serde_json::Value;

use super::rlp::push_header;

/// One block in the bytes that are hashed.
#[derive(Clone, Debug, Default)]
pub(crate) struct CanonicalBlock {
    pub(crate) header: Vec<u8>,
    pub(crate) transactions: Vec<Vec<u8>>,
    pub(crate) withdrawals: Vec<Vec<u8>>,
    pub(crate) receipts: Vec<Vec<u8>>,
}

/// Fields of a header in order; those from the 16th on are left out where absent.
const HEADER: [&str; 21] = [
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "#difficulty",
    "#number",
    "#gasLimit",
    "#gasUsed",
    "#timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "#baseFeePerGas",
    "withdrawalsRoot",
    "#blobGasUsed",
    "#excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
];

/// Fields of a transaction by type; `#` marks a number, `*` what has a shape of its own.
const TRANSACTION: [&[&str]; 5] = [
    &["#nonce", "#gasPrice", "#gas", "to", "#value", "input", "#v", "#r", "#s"],
    &[
        "#chainId",
        "#nonce",
        "#gasPrice",
        "#gas",
        "to",
        "#value",
        "input",
        "*accessList",
        "#v",
        "#r",
        "#s",
    ],
    &[
        "#chainId",
        "#nonce",
        "#maxPriorityFeePerGas",
        "#maxFeePerGas",
        "#gas",
        "to",
        "#value",
        "input",
        "*accessList",
        "#v",
        "#r",
        "#s",
    ],
    &[
        "#chainId",
        "#nonce",
        "#maxPriorityFeePerGas",
        "#maxFeePerGas",
        "#gas",
        "to",
        "#value",
        "input",
        "*accessList",
        "#maxFeePerBlobGas",
        "*blobVersionedHashes",
        "#v",
        "#r",
        "#s",
    ],
    &[
        "#chainId",
        "#nonce",
        "#maxPriorityFeePerGas",
        "#maxFeePerGas",
        "#gas",
        "to",
        "#value",
        "input",
        "*accessList",
        "*authorizationList",
        "#v",
        "#r",
        "#s",
    ],
];

const AUTHORIZATION: [&str; 6] = ["#chainId", "address", "#nonce", "#yParity", "#r", "#s"];

impl CanonicalBlock {
    /// From one line `{"block":…,"receipts":…}`.
    pub(crate) fn from_json(line: &[u8]) -> Result<Self, serde_json::Error> {
        let row: Value = serde_json::from_slice(line)?;
        let block = &row["block"];
        let known = HEADER.iter().filter(|name| !block[name.trim_start_matches('#')].is_null());
        let header = list(|out| known.for_each(|name| push_field(out, block, name)));
        let withdrawals = array(&block["withdrawals"]).iter().map(|item| {
            let fields = ["#index", "#validatorIndex", "address", "#amount"];
            list(|out| fields.iter().for_each(|name| push_field(out, item, name)))
        });
        Ok(Self {
            header,
            transactions: array(&block["transactions"]).iter().map(transaction).collect(),
            withdrawals: withdrawals.collect(),
            receipts: array(&row["receipts"]).iter().map(receipt).collect(),
        })
    }
}

fn transaction(item: &Value) -> Vec<u8> {
    let kind = kind(item);
    let fields = TRANSACTION[usize::from(kind)];
    envelope(kind, list(|out| fields.iter().for_each(|name| push_field(out, item, name))))
}

fn receipt(item: &Value) -> Vec<u8> {
    let body = list(|out| {
        let outcome = if item["root"].is_string() { "root" } else { "#status" };
        for name in [outcome, "#cumulativeGasUsed", "logsBloom"] {
            push_field(out, item, name);
        }
        let logs = array(&item["logs"]).iter().flat_map(|log| {
            list(|out| {
                ["address", "*topics", "data"].iter().for_each(|name| push_field(out, log, name))
            })
        });
        let logs: Vec<u8> = logs.collect();
        push_header(out, true, logs.len());
        out.extend(logs);
    });
    envelope(kind(item), body)
}

fn kind(item: &Value) -> u8 {
    bytes(&item["type"]).last().copied().unwrap_or(0)
}

fn envelope(kind: u8, mut body: Vec<u8>) -> Vec<u8> {
    if kind > 0 {
        body.insert(0, kind);
    }
    body
}

fn push_field(out: &mut Vec<u8>, object: &Value, name: &str) {
    if let Some(name) = name.strip_prefix('#') {
        let bytes = bytes(&object[name]);
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        return push_string(out, &bytes[zeros..]);
    }
    let Some(name) = name.strip_prefix('*') else {
        return push_string(out, &bytes(&object[name]));
    };
    let items = array(&object[name]).iter().map(|item| match name {
        "accessList" => list(|out| {
            ["address", "*storageKeys"].iter().for_each(|name| push_field(out, item, name))
        }),
        "authorizationList" => {
            list(|out| AUTHORIZATION.iter().for_each(|name| push_field(out, item, name)))
        }
        _ => {
            let mut out = Vec::new();
            push_string(&mut out, &bytes(item));
            out
        }
    });
    let items: Vec<u8> = items.flatten().collect();
    push_header(out, true, items.len());
    out.extend(items);
}

fn push_string(out: &mut Vec<u8>, bytes: &[u8]) {
    if !matches!(bytes, [byte] if *byte < 0x80) {
        push_header(out, false, bytes.len());
    }
    out.extend_from_slice(bytes);
}

fn list(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let (mut payload, mut out) = (Vec::new(), Vec::new());
    write(&mut payload);
    push_header(&mut out, true, payload.len());
    out.extend(payload);
    out
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Bytes of `0x…`; an odd number of digits has a leading zero. Empty for null.
fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).unwrap_or("");
    let padded = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
    alloy_primitives::hex::decode(padded).unwrap_or_default()
}
