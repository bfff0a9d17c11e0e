//! Tables of EVM chains. Column names follow ethereum-etl and BigQuery's `crypto_ethereum`; what
//! those lack, and is needed to prove a row again, is added after their columns.
//!
//! Every amount is exact: wei columns are 256-bit integers. Counters are `bigint`; a block whose
//! counter does not fit is refused, never wrapped.

mod blocks;
mod logs;
mod receipts;
mod token_transfers;
mod transactions;
mod withdrawals;

pub use blocks::BLOCKS;
pub use logs::LOGS;
pub use receipts::RECEIPTS;
pub use token_transfers::TOKEN_TRANSFERS;
pub use transactions::TRANSACTIONS;
pub use withdrawals::WITHDRAWALS;

use crate::TableSpec;

/// All tables of the family, in the order in which they are stored.
pub const TABLES: [&TableSpec; 6] =
    [&BLOCKS, &TRANSACTIONS, &RECEIPTS, &LOGS, &WITHDRAWALS, &TOKEN_TRANSFERS];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_and_bloom_columns_exist_and_names_are_unique() {
        for table in TABLES {
            let schema = table.schema();
            assert!(schema.field_with_name(table.block_column).is_ok(), "{}", table.name);
            for bloom in table.bloom_columns {
                assert!(schema.field_with_name(bloom).is_ok(), "{}.{bloom}", table.name);
            }
            let mut names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.columns.len(), "{}", table.name);
        }
    }
}
