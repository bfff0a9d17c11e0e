//! One query level: the relations of its FROM and what is known while its expressions are bound.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use sqlparser::ast::NamedWindowDefinition;

use super::super::plan::{Aggregate, Expr, OutputColumn, SetCall, WindowCall};
use super::super::types::{self, TypeOid};
use super::super::{Value, unsupported};
use super::Typed;
use crate::values::other;
use crate::{QueryError, SqlState};

/// Relations in one FROM: each has a bit in the masks below.
pub(super) const LEAVES_MAX: usize = 64;

/// Names and types of the fields of a row value.
pub(super) type Fields = Arc<[(String, TypeOid)]>;

/// What surrounds a query.
#[derive(Clone, Copy, Default)]
pub(super) struct Context<'s> {
    pub(super) parent: Option<&'s Scope<'s>>,
    pub(super) ctes: Option<&'s Ctes<'s>>,
}

/// Items of WITH that a query can name, innermost first.
pub(super) struct Ctes<'s> {
    pub(super) parent: Option<&'s Ctes<'s>>,
    pub(super) name: String,
    pub(super) id: usize,
    pub(super) columns: Vec<OutputColumn>,
}

impl<'s> Ctes<'s> {
    pub(super) fn find(&'s self, name: &str) -> Option<&'s Ctes<'s>> {
        if self.name == name { Some(self) } else { self.parent?.find(name) }
    }
}

/// A column of a FROM item.
#[derive(Clone, Debug)]
pub(super) struct LeafColumn {
    pub(super) name: String,
    pub(super) type_oid: TypeOid,
    pub(super) modifier: i32,
    pub(super) origin: (u32, i16),
    pub(super) fields: Option<Fields>,
}

/// A column that a name without a qualifier means, and that `*` gives: one of a FROM item, or what USING
/// makes of two.
#[derive(Clone, Debug)]
pub(super) struct StarColumn {
    pub(super) name: String,
    /// (leaf, index): the first of these that is not null.
    pub(super) parts: Vec<(usize, usize)>,
    pub(super) type_oid: TypeOid,
}

/// An item of FROM.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) alias: String,
    /// Schema by which the item can be qualified, for a relation without alias.
    pub(super) schema: Option<String>,
    pub(super) columns: Vec<LeafColumn>,
    /// Object id of a catalog table, which has system columns.
    pub(super) table_oid: Option<u32>,
    /// Object id of a table that a client made; 0 for any other item.
    pub(super) stored_oid: u32,
    /// Columns that are read, of a relation that has to be fetched.
    pub(super) used: Option<Arc<Mutex<BTreeSet<usize>>>>,
    /// Positions of the columns of the primary key; empty where there is none.
    pub(super) key: Vec<usize>,
}

impl Leaf {
    /// Notes that a column is read.
    fn read(&self, index: usize) {
        if let Some(used) = &self.used {
            used.lock().unwrap_or_else(PoisonError::into_inner).insert(index);
        }
    }
}

/// State of GROUP BY while the expressions above it are bound.
#[derive(Default)]
pub(super) struct Grouping {
    /// Set-returning calls in the keys.
    pub(super) sets: Vec<SetCall>,
    pub(super) keys: Vec<Expr>,
    /// Of GROUPING SETS: which keys each set leaves out; key 0 is then their mask.
    pub(super) left_out: Vec<Vec<usize>>,
    pub(super) aggregates: Vec<Aggregate>,
    /// Expressions are over groups; off while arguments of aggregates are bound.
    pub(super) is_on: bool,
}

/// One query level.
pub(super) struct Scope<'s> {
    pub(super) context: Context<'s>,
    pub(super) leaves: Vec<Leaf>,
    /// What `*` gives, in its order.
    pub(super) star: Vec<StarColumn>,
    /// Items of WINDOW.
    pub(super) named_windows: Vec<NamedWindowDefinition>,
    /// The clause that is bound, for errors about what it may not have.
    pub(super) clause: Cell<&'static str>,
    /// Leaves named since it was last cleared.
    pub(super) used: Cell<u64>,
    pub(super) grouping: RefCell<Option<Grouping>>,
    /// Set-returning calls of the select list; `None` where they are not allowed.
    pub(super) sets: RefCell<Option<Vec<SetCall>>>,
    /// Calls over windows of the select list; `None` where they are not allowed.
    pub(super) windows: RefCell<Option<Vec<WindowCall>>>,
}

impl<'s> Scope<'s> {
    pub(super) fn new(context: Context<'s>) -> Self {
        Self {
            context,
            leaves: Vec::new(),
            star: Vec::new(),
            named_windows: Vec::new(),
            clause: Cell::new("WHERE"),
            used: Cell::new(0),
            grouping: RefCell::new(None),
            sets: RefCell::new(None),
            windows: RefCell::new(None),
        }
    }

    /// The context of a subquery inside this level.
    pub(super) fn inner(&'s self) -> Context<'s> {
        Context { parent: Some(self), ctes: self.context.ctes }
    }

    /// Adds an item of FROM; gives its position.
    ///
    /// # Errors
    /// 42712 for a name used twice, 54000 past [`LEAVES_MAX`].
    pub(super) fn add(&mut self, leaf: Leaf) -> Result<usize, QueryError> {
        let is_taken = |other: &Leaf| other.alias == leaf.alias && other.schema == leaf.schema;
        if !leaf.alias.is_empty() && self.leaves.iter().any(is_taken) {
            return Err(QueryError::new(
                SqlState("42712"),
                format!("table name \"{}\" specified more than once", leaf.alias),
            ));
        }
        if self.leaves.len() == LEAVES_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("a FROM clause may name at most {LEAVES_MAX} relations here"),
            ));
        }
        let at = self.leaves.len();
        self.star.extend(leaf.columns.iter().enumerate().map(|(index, column)| StarColumn {
            name: column.name.clone(),
            parts: vec![(at, index)],
            type_oid: column.type_oid,
        }));
        self.leaves.push(leaf);
        Ok(at)
    }

    /// Runs `bind` and gives the leaves of this level that it named.
    pub(super) fn tracked<T>(
        &self,
        bind: impl FnOnce() -> Result<T, QueryError>,
    ) -> Result<(T, u64), QueryError> {
        let before = self.used.replace(0);
        let result = bind();
        let mask = self.used.get();
        self.used.set(before | mask);
        Ok((result?, mask))
    }

    /// Runs `bind`, and says whether it named anything of this level or of one above.
    pub(super) fn is_closed<T>(
        &self,
        bind: impl FnOnce() -> Result<T, QueryError>,
    ) -> Result<(T, bool), QueryError> {
        let mut levels = vec![self];
        while let Some(parent) = levels[levels.len() - 1].context.parent {
            levels.push(parent);
        }
        let before: Vec<u64> = levels.iter().map(|level| level.used.replace(0)).collect();
        let result = bind();
        let mut is_closed = true;
        for (level, before) in levels.iter().zip(before) {
            is_closed &= level.used.get() == 0;
            level.used.set(level.used.get() | before);
        }
        Ok((result?, is_closed))
    }

    /// The column or row that a name of one to three parts means.
    ///
    /// # Errors
    /// 42703, 42702, 42P01, 42803.
    pub(super) fn resolve(&self, parts: &[String]) -> Result<Typed, QueryError> {
        let mut scope = self;
        let mut depth = 0;
        loop {
            if let Some(found) = scope.resolve_here(parts, depth)? {
                return Ok(found);
            }
            match scope.context.parent {
                Some(parent) => scope = parent,
                None => return Err(self.undefined(parts)),
            }
            depth += 1;
        }
    }

    fn resolve_here(&self, parts: &[String], depth: usize) -> Result<Option<Typed>, QueryError> {
        let (qualifier, name) = match parts {
            [name] => (None, name),
            [alias, name] => (Some((None, alias)), name),
            [schema, alias, name] => (Some((Some(schema), alias)), name),
            _ => return Err(unsupported("a column name of more than three parts")),
        };
        let is_meant = |leaf: &Leaf| match qualifier {
            None => true,
            Some((schema, alias)) => {
                leaf.alias == *alias
                    && schema.is_none_or(|schema| leaf.schema.as_deref() == Some(schema.as_str()))
            }
        };
        let ambiguous = || {
            QueryError::new(
                SqlState::AMBIGUOUS_COLUMN,
                format!("column reference \"{name}\" is ambiguous"),
            )
            .about(parts.join("."))
        };
        if qualifier.is_none() {
            let mut found = self.star.iter().filter(|column| column.name == *name);
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => return Err(ambiguous()),
                (Some(column), None) => return self.starred(column, depth).map(Some),
                _ => {}
            }
        } else {
            let mut found = None;
            for (at, leaf) in self.leaves.iter().enumerate().filter(|item| is_meant(item.1)) {
                for (index, column) in leaf.columns.iter().enumerate() {
                    if column.name == *name && found.replace((at, index)).is_some() {
                        return Err(ambiguous());
                    }
                }
            }
            if let Some((leaf, index)) = found {
                return self.column(leaf, index, depth).map(Some);
            }
        }
        for (at, leaf) in self.leaves.iter().enumerate().filter(|item| is_meant(item.1)) {
            if let Some(value) = leaf.table_oid.and_then(|oid| system_column(name, oid)) {
                self.mark(at);
                let expr = Expr::RowConst { depth, leaf: at, value: value.0 };
                return self.over_groups(Typed::new(expr, value.1), depth, name).map(Some);
            }
        }
        if qualifier.is_none() {
            return self.whole_row(name, depth);
        }
        Ok(None)
    }

    /// Column `index` of a leaf.
    pub(super) fn column(
        &self,
        leaf: usize,
        index: usize,
        depth: usize,
    ) -> Result<Typed, QueryError> {
        self.mark(leaf);
        self.leaves[leaf].read(index);
        let column = &self.leaves[leaf].columns[index];
        let typed = Typed {
            expr: Expr::Column { depth, leaf, index },
            type_oid: column.type_oid,
            fields: column.fields.clone(),
            modifier: column.modifier,
            origin: column.origin,
        };
        self.over_groups(typed, depth, &column.name)
    }

    /// A column of `*`.
    pub(super) fn starred(&self, column: &StarColumn, depth: usize) -> Result<Typed, QueryError> {
        let type_at = |(leaf, index): (usize, usize)| self.leaves[leaf].columns[index].type_oid;
        if let [(leaf, index)] = *column.parts.as_slice()
            && type_at((leaf, index)) == column.type_oid
        {
            return self.column(leaf, index, depth);
        }
        let parts = column.parts.iter().map(|(leaf, index)| {
            self.mark(*leaf);
            self.leaves[*leaf].read(*index);
            let own = Expr::Column { depth, leaf: *leaf, index: *index };
            match type_at((*leaf, *index)) {
                from if from == column.type_oid => own,
                from => Expr::Cast { inner: Box::new(own), from, to: column.type_oid },
            }
        });
        let typed = Typed::new(Expr::Coalesce(parts.collect()), column.type_oid);
        self.over_groups(typed, depth, &column.name)
    }

    fn whole_row(&self, alias: &str, depth: usize) -> Result<Option<Typed>, QueryError> {
        let Some(at) = self.leaves.iter().position(|leaf| leaf.alias == alias) else {
            return Ok(None);
        };
        self.mark(at);
        (0..self.leaves[at].columns.len()).for_each(|index| self.leaves[at].read(index));
        let columns = &self.leaves[at].columns;
        let types = columns.iter().map(|column| column.type_oid).collect();
        let expr = Expr::WholeRow { depth, leaf: at, types };
        let mut typed = Typed::new(expr, types::RECORD);
        typed.fields =
            Some(columns.iter().map(|column| (column.name.clone(), column.type_oid)).collect());
        typed.origin = (self.leaves[at].stored_oid, 0);
        self.over_groups(typed, depth, alias).map(Some)
    }

    /// 42P01 where the qualifier is no item of FROM in sight, else 42703.
    fn undefined(&self, parts: &[String]) -> QueryError {
        let shown = parts.join(".");
        if let [.., alias, _] = parts {
            let has = |scope: &Scope<'_>| scope.leaves.iter().any(|leaf| leaf.alias == *alias);
            let mut level = Some(self);
            while let Some(scope) = level.filter(|scope| !has(scope)) {
                level = scope.context.parent;
            }
            if level.is_none() {
                return QueryError::new(
                    SqlState::UNDEFINED_TABLE,
                    format!("missing FROM-clause entry for table \"{alias}\""),
                )
                .about(shown);
            }
        }
        let message = match parts {
            [name] => format!("column \"{name}\" does not exist"),
            _ => format!("column {shown} does not exist"),
        };
        QueryError::new(SqlState::UNDEFINED_COLUMN, message).about(shown)
    }

    fn mark(&self, leaf: usize) {
        self.used.set(self.used.get() | (1 << leaf));
    }

    /// The same value as a group's key, where this level is grouped.
    fn over_groups(&self, typed: Typed, depth: usize, name: &str) -> Result<Typed, QueryError> {
        let mut grouping = self.grouping.borrow_mut();
        let Some(grouping) = grouping.as_mut().filter(|grouping| grouping.is_on) else {
            return Ok(typed);
        };
        let at_level = at_own_level(&typed.expr);
        let position = match grouping.keys.iter().position(|key| *key == at_level) {
            Some(position) => position,
            None if self.depends_on_keys(&at_level, &grouping.keys) => {
                grouping.keys.push(at_level);
                grouping.keys.len() - 1
            }
            None => {
                return Err(QueryError::new(
                    SqlState::GROUPING_ERROR,
                    format!(
                        "column \"{}\" must appear in the GROUP BY clause or be used in an aggregate function",
                        self.qualified(&at_level, name)
                    ),
                ));
            }
        };
        Ok(Typed { expr: group_key(depth, position), ..typed })
    }

    /// A column with the name of its item of FROM, as errors show it.
    fn qualified(&self, expr: &Expr, name: &str) -> String {
        match expr {
            Expr::Column { leaf, .. } if !self.leaves[*leaf].alias.is_empty() => {
                format!("{}.{name}", self.leaves[*leaf].alias)
            }
            _ => name.to_owned(),
        }
    }

    /// Whether the leaf's primary key is among the keys, so that its columns follow from them.
    fn depends_on_keys(&self, expr: &Expr, keys: &[Expr]) -> bool {
        let leaf = match expr {
            Expr::Column { leaf, .. }
            | Expr::RowConst { leaf, .. }
            | Expr::WholeRow { leaf, .. } => *leaf,
            _ => return false,
        };
        let key = &self.leaves[leaf].key;
        let is_key = |index: &usize| keys.contains(&Expr::Column { depth: 0, leaf, index: *index });
        !key.is_empty() && key.iter().all(is_key)
    }
}

/// Key `position` of the groups of the level `depth` above.
pub(super) fn group_key(depth: usize, position: usize) -> Expr {
    Expr::Column { depth, leaf: 0, index: position }
}

/// Value of the window call `position`: they are columns of the leaf after all others.
pub(super) fn window_value(scope: &Scope<'_>, position: usize) -> Expr {
    let leaf = if scope.grouping.borrow().is_some() { GROUPED_LEAVES } else { scope.leaves.len() };
    Expr::Column { depth: 0, leaf, index: position }
}

/// Leaves of a grouped level: keys, aggregates.
const GROUPED_LEAVES: usize = 2;

/// Stands for aggregate `position` until the number of keys is known.
pub(super) fn aggregate_value(position: usize) -> Expr {
    Expr::Column { depth: 0, leaf: 1, index: position }
}

fn at_own_level(expr: &Expr) -> Expr {
    let mut own = expr.clone();
    match &mut own {
        Expr::Column { depth, .. }
        | Expr::RowConst { depth, .. }
        | Expr::WholeRow { depth, .. } => *depth = 0,
        Expr::Cast { inner, .. } => **inner = at_own_level(inner),
        Expr::Coalesce(parts) => {
            for part in parts {
                *part = at_own_level(part);
            }
        }
        _ => {}
    }
    own
}

/// Value and type of a system column of every row of a catalog table.
fn system_column(name: &str, table_oid: u32) -> Option<(Value, TypeOid)> {
    Some(match name {
        "tableoid" => (Value::oid(table_oid), types::OID),
        // Rows of the catalogs were never changed: they are of the first transaction.
        "xmin" => (Value::Int(1), types::XID),
        "xmax" => (Value::Int(0), types::XID),
        "cmin" | "cmax" => (Value::text("0"), other::CID),
        _ => return None,
    })
}
