//! Texts that a session ran before: parsed and prepared once while they are among the latest used.
//!
//! Clients of the simple protocol, and drivers that prepare each statement anew, send the same text
//! again and again. What is kept is checked before it is used: `reuse` says when a plan still holds.

use std::collections::HashMap;
use std::sync::Arc;

use super::Prepared;
use crate::limits::{STATEMENT_KEPT_BYTES_MAX, STATEMENTS_KEPT_MAX};
use crate::statement::Kind;
use crate::{PgType, Statement};

/// Queries by their text, at most [`STATEMENTS_KEPT_MAX`], the least recently used one leaves first.
#[derive(Default)]
pub(super) struct KeptStatements {
    items: HashMap<Arc<str>, Kept>,
    /// Counts uses.
    uses: u64,
}

struct Kept {
    statement: Statement,
    /// The last preparation, and the parameter types that its client named.
    prepared: Option<(Vec<Option<PgType>>, Prepared)>,
    last_use: u64,
}

impl KeptStatements {
    /// The one statement that `text` was parsed to.
    pub(super) fn statement(&mut self, text: &str) -> Option<Statement> {
        self.uses += 1;
        let kept = self.items.get_mut(text)?;
        kept.last_use = self.uses;
        Some(kept.statement.clone())
    }

    /// Keeps what `text` was parsed to, if it is one query of no unusual length.
    pub(super) fn keep(&mut self, text: &str, statements: &[Statement]) {
        let [statement] = statements else { return };
        if text.len() > STATEMENT_KEPT_BYTES_MAX || !matches!(*statement.kind, Kind::Query(_)) {
            return;
        }
        if self.items.len() >= STATEMENTS_KEPT_MAX {
            let oldest = self.items.iter().min_by_key(|(_, kept)| kept.last_use);
            if let Some(text) = oldest.map(|(text, _)| Arc::clone(text)) {
                self.items.remove(&text);
            }
        }
        let kept = Kept { statement: statement.clone(), prepared: None, last_use: self.uses };
        self.items.insert(Arc::clone(&statement.text), kept);
    }

    /// The statement of `text` as it was prepared last, for these types.
    pub(super) fn prepared(&self, text: &str, declared: &[Option<PgType>]) -> Option<Prepared> {
        let (types, prepared) = self.items.get(text)?.prepared.as_ref()?;
        (types == declared).then(|| prepared.clone())
    }

    /// Keeps a preparation beside its text, if the text is kept.
    pub(super) fn keep_prepared(&mut self, declared: &[Option<PgType>], prepared: &Prepared) {
        if let Some(kept) = self.items.get_mut(&prepared.statement.text) {
            kept.prepared = Some((declared.to_vec(), prepared.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(kept: &mut KeptStatements, text: &str) {
        kept.keep(text, &crate::statement::parse(text).unwrap());
    }

    #[test]
    fn the_limit_of_kept_texts_drops_the_one_that_was_used_least_recently() {
        let mut kept = KeptStatements::default();
        for number in 0..STATEMENTS_KEPT_MAX {
            let text = format!("SELECT {number}");
            assert!(kept.statement(&text).is_none());
            keep(&mut kept, &text);
        }
        assert!(kept.statement("SELECT 0").is_some());
        keep(&mut kept, "SELECT -1");
        assert_eq!(kept.items.len(), STATEMENTS_KEPT_MAX);
        assert!(kept.statement("SELECT 0").is_some());
        assert!(kept.statement("SELECT 1").is_none());
        assert!(kept.statement("SELECT -1").is_some());
    }

    #[test]
    fn long_texts_and_what_is_not_one_query_are_not_kept() {
        let mut kept = KeptStatements::default();
        let fits = format!("SELECT '{}'", "x".repeat(STATEMENT_KEPT_BYTES_MAX - 9));
        assert_eq!(fits.len(), STATEMENT_KEPT_BYTES_MAX);
        keep(&mut kept, &fits);
        assert!(kept.statement(&fits).is_some());
        for text in [&format!("{fits} "), "SELECT 1; SELECT 2", "BEGIN", ""] {
            keep(&mut kept, text);
            assert!(kept.statement(text).is_none(), "{text}");
        }
    }
}
