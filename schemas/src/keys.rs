//! Keys of chain tables: what the chain's rules make unique, and which rows belong together. Clients read
//! them from the catalog to join tables; storage does not need them.

/// Keys of one table. They hold for every verified chain, so nothing has to check them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Columns of the primary key; empty for a table without one.
    pub primary: &'static [&'static str],
    /// Other sets of columns that are unique.
    pub unique: &'static [&'static [&'static str]],
    /// Rows of other tables that each row belongs to.
    pub references: &'static [Reference],
}

/// A foreign key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Columns of this table.
    pub columns: &'static [&'static str],
    /// The other table of schema `chain`.
    pub table: &'static str,
    /// Its columns, a primary or unique key.
    pub target: &'static [&'static str],
}

impl Keys {
    /// A table without keys.
    pub const NONE: Self = Self { primary: &[], unique: &[], references: &[] };
}

impl Reference {
    /// The block that a row is of.
    pub const BLOCK: Self =
        Self { columns: &["block_number"], table: "blocks", target: &["number"] };
    /// The transaction that a row is of.
    pub const TRANSACTION: Self =
        Self { columns: &["transaction_hash"], table: "transactions", target: &["hash"] };
}

#[cfg(test)]
mod tests {
    use crate::tables::evm::TABLES;

    #[test]
    fn keys_name_columns_that_are_never_null_and_references_name_keys() {
        for table in TABLES {
            let required = |name: &str| {
                table.columns.iter().any(|column| column.name == name && !column.nullable)
            };
            let keys = table.keys;
            assert!(!keys.primary.is_empty(), "{}", table.name);
            assert!(keys.primary.iter().all(|name| required(name)), "{}", table.name);
            for reference in keys.references {
                assert!(reference.columns.iter().all(|name| required(name)), "{}", table.name);
                let other = TABLES.iter().find(|other| other.name == reference.table).unwrap();
                assert!(
                    other.keys.primary == reference.target
                        || other.keys.unique.contains(&reference.target),
                    "{} to {}",
                    table.name,
                    reference.table
                );
            }
        }
    }
}
