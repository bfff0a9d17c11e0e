//! How a column of a chain table is described: SQL type, Arrow type, nullability, meaning.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

use crate::{Keys, VerificationLevel};

/// Arrow field metadata key that names an extension type.
pub const EXTENSION_KEY: &str = "ARROW:extension:name";

/// Extension type of unsigned 256-bit integers: 32 bytes, big-endian, so bytes sort as numbers do.
/// SQL clients see `numeric(78,0)`.
pub const UINT256_EXTENSION: &str = "ergosql.uint256";

/// SQL type of a column, with its one Arrow representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// `boolean`; Arrow Boolean.
    Boolean,
    /// `integer`; Arrow Int32. For small counts and codes.
    Integer,
    /// `bigint`; Arrow Int64.
    Bigint,
    /// `numeric(78,0)`; Arrow FixedSizeBinary(32) with [`UINT256_EXTENSION`].
    Uint256,
    /// `bytea` of 32 bytes; Arrow FixedSizeBinary(32).
    Hash,
    /// `bytea` of 20 bytes; Arrow FixedSizeBinary(20).
    Address,
    /// `bytea`; Arrow Binary.
    Bytes,
    /// `bytea[]` of 32-byte hashes; Arrow List of FixedSizeBinary(32).
    HashList,
    /// `text`; Arrow Utf8.
    Text,
    /// `timestamptz`, UTC; Arrow Timestamp(Microsecond, "UTC").
    Timestamp,
}

impl ColumnType {
    /// The Arrow type that holds this column.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int32,
            Self::Bigint => DataType::Int64,
            Self::Uint256 | Self::Hash => DataType::FixedSizeBinary(32),
            Self::Address => DataType::FixedSizeBinary(20),
            Self::Bytes => DataType::Binary,
            Self::HashList => DataType::List(Arc::new(Field::new_list_field(
                DataType::FixedSizeBinary(32),
                false,
            ))),
            Self::Text => DataType::Utf8,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

/// Whether `field` holds unsigned 256-bit integers rather than plain bytes.
pub fn is_uint256(field: &Field) -> bool {
    field.metadata().get(EXTENSION_KEY).is_some_and(|name| name == UINT256_EXTENSION)
}

/// One column: name as SQL clients see it, type, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in SQL.
    pub name: &'static str,
    /// SQL and Arrow type.
    pub column_type: ColumnType,
    /// Whether the chain's rules allow it to be absent.
    pub nullable: bool,
    /// Meaning, unit and source; shown as the column's comment.
    pub comment: &'static str,
}

impl Column {
    /// A column that every row has.
    pub const fn required(
        name: &'static str,
        column_type: ColumnType,
        comment: &'static str,
    ) -> Self {
        Self { name, column_type, nullable: false, comment }
    }

    /// A column that is null where the chain's rules have no such value.
    pub const fn nullable(
        name: &'static str,
        column_type: ColumnType,
        comment: &'static str,
    ) -> Self {
        Self { name, column_type, nullable: true, comment }
    }

    /// The Arrow field, with the extension name for 256-bit integers.
    pub fn field(&self) -> Field {
        let field = Field::new(self.name, self.column_type.data_type(), self.nullable);
        match self.column_type {
            ColumnType::Uint256 => field.with_metadata(HashMap::from([(
                EXTENSION_KEY.to_owned(),
                UINT256_EXTENSION.to_owned(),
            )])),
            _ => field,
        }
    }
}

/// One SQL table of a chain family.
#[derive(Clone, Copy, Debug)]
pub struct TableSpec {
    /// Name within schema `chain`.
    pub name: &'static str,
    /// What a row is; shown as the table's comment.
    pub comment: &'static str,
    /// Columns in the order that `SELECT *` gives.
    pub columns: &'static [Column],
    /// Column that holds the block number; rows are sorted by it.
    pub block_column: &'static str,
    /// Columns that get a bloom filter in sealed files.
    pub bloom_columns: &'static [&'static str],
    /// What is unique, and what belongs together.
    pub keys: Keys,
    /// A block stored at a lower level has no rows here: absent, not empty.
    pub level: VerificationLevel,
}

impl TableSpec {
    /// The Arrow schema of the table, in column order.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>()))
    }
}
