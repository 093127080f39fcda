//! The schema of a database: its tables as they are read and written, and every object's SQL.

use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Everything that `sqlite_schema` holds, and how each table is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Tables whose rows can be read and written, in name order.
    pub tables: Vec<Table>,
    /// Tables that cannot, each with the reason, in name order.
    pub left_out: Vec<LeftOut>,
    /// Indexes, triggers and views, in the order they were made.
    pub objects: Vec<Object>,
}

/// A table that is neither read nor written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The table.
    pub name: String,
    /// Why, as the rest of a sentence about it.
    pub reason: String,
    /// Its SQL.
    pub sql: String,
    /// Whether it is an index over another table's rows, to be rebuilt after these change.
    pub content: Option<String>,
}

/// An index, a trigger or a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// `index`, `trigger` or `view`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The table that it belongs to; its own name for a view.
    pub table: String,
    /// Its SQL.
    pub sql: String,
}

/// How SQLite stores a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// An ordinary table: a B-tree over the rowid.
    Rowid,
    /// A WITHOUT ROWID table: a B-tree over the primary key.
    WithoutRowid,
    /// A virtual table that holds its own content, read and written through its module.
    Virtual,
}

/// What tells a row of a table from the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// An INTEGER PRIMARY KEY: the column at this place is the rowid.
    Column(usize),
    /// The rowid, under a name that no column takes; it is carried before the columns.
    Rowid(String),
    /// The columns at these places: the primary key of a WITHOUT ROWID table.
    Key(Vec<usize>),
}

/// A column that holds values of its own; generated ones are not listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as declared; empty when there is none.
    pub declared: String,
    /// Whether it refuses NULL.
    pub not_null: bool,
    /// Its place in the primary key, from 1; 0 outside it.
    pub key: u32,
    /// Its default, as SQL.
    pub default: Option<String>,
}

/// A table whose rows can be read and written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its SQL.
    pub sql: String,
    /// How it is stored.
    pub storage: Storage,
    /// What tells its rows apart.
    pub identity: Identity,
    /// Its columns, in order, without generated ones.
    pub columns: Vec<Column>,
    /// Names of its generated columns, which are never written.
    pub generated: Vec<String>,
    /// Whether a UNIQUE or PRIMARY KEY index stands beside the identity.
    pub unique: bool,
    /// Whether it counts its rowids in `sqlite_sequence`.
    pub autoincrement: bool,
    /// Its foreign keys' parent tables, in name order.
    pub parents: Vec<String>,
}

impl Table {
    /// How many values a row has: the columns, and the rowid where it is hidden.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len() + self.hidden()
    }

    /// How many values stand before the columns: 1 where the rowid is hidden, else 0.
    #[must_use]
    pub fn hidden(&self) -> usize {
        usize::from(matches!(self.identity, Identity::Rowid(_)))
    }

    /// The places of the identity among a row's values.
    #[must_use]
    pub fn identity_places(&self) -> Vec<usize> {
        match &self.identity {
            Identity::Column(place) => vec![*place],
            Identity::Rowid(_) => vec![0],
            Identity::Key(places) => places.clone(),
        }
    }

    /// The places, among a row's values, of a declared primary key that is not the identity;
    /// empty where there is none. VACUUM may renumber the rowids of such a table.
    #[must_use]
    pub fn declared_key_places(&self) -> Vec<usize> {
        if self.hidden() == 0 || self.storage == Storage::Virtual {
            return Vec::new();
        }
        let mut key: Vec<(u32, usize)> = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.key > 0)
            .map(|(place, column)| (column.key, place + 1))
            .collect();
        key.sort_unstable();
        key.into_iter().map(|(_, place)| place).collect()
    }

    /// Names of a row's values: the columns, after the rowid's name where it is hidden.
    #[must_use]
    pub fn value_names(&self) -> Vec<&str> {
        let hidden = match &self.identity {
            Identity::Rowid(name) => Some(name.as_str()),
            _ => None,
        };
        hidden.into_iter().chain(self.columns.iter().map(|column| column.name.as_str())).collect()
    }

    /// Whether rows of `other` are rows of this table as they stand.
    #[must_use]
    pub fn same_rows_as(&self, other: &Self) -> bool {
        let layout = |table: &Self| {
            table
                .columns
                .iter()
                .map(|column| (column.name.clone(), column.declared.clone()))
                .collect::<Vec<_>>()
        };
        self.identity == other.identity && layout(self) == layout(other)
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

impl Schema {
    /// The readable table of this name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The same schema without the tables that `excluded` names, and what belongs to them.
    #[must_use]
    pub fn without(mut self, excluded: impl Fn(&str) -> bool) -> Self {
        self.tables.retain(|table| !excluded(&table.name));
        self.left_out.retain(|table| !excluded(&table.name));
        self.objects.retain(|object| !excluded(&object.table));
        self
    }

    /// Reads the schema of `connection`'s main database, in its present transaction.
    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        let mut schema = Self { objects: objects(connection)?, ..Self::default() };
        for listed in listed_tables(connection)? {
            match read_table(connection, &listed)? {
                Readable::Yes(table) => schema.tables.push(table),
                Readable::No(left_out) => schema.left_out.push(left_out),
            }
        }
        Ok(schema)
    }
}

/// A name as SQL: in double quotes, with those inside doubled.
#[must_use]
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn failed(error: rusqlite::Error) -> Error {
    super::failure("the schema cannot be read", error)
}

fn objects(connection: &Connection) -> Result<Vec<Object>> {
    let mut statement = connection
        .prepare(
            "SELECT type, name, tbl_name, sql FROM main.sqlite_schema \
             WHERE type IN ('index', 'trigger', 'view') AND sql IS NOT NULL ORDER BY rowid",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map([], |row| {
            Ok(Object {
                kind: row.get(0)?,
                name: row.get(1)?,
                table: row.get(2)?,
                sql: row.get(3)?,
            })
        })
        .map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}

/// A line of `PRAGMA table_list`.
struct Listed {
    name: String,
    virtual_table: bool,
    without_rowid: bool,
    sql: String,
}

fn listed_tables(connection: &Connection) -> Result<Vec<Listed>> {
    let mut statement = connection
        .prepare(
            "SELECT l.name, l.type = 'virtual', l.wr, s.sql FROM pragma_table_list AS l \
             JOIN main.sqlite_schema AS s ON s.type = 'table' AND s.name = l.name \
             WHERE l.schema = 'main' AND l.type IN ('table', 'virtual') \
             AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY l.name",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map([], |row| {
            Ok(Listed {
                name: row.get(0)?,
                virtual_table: row.get(1)?,
                without_rowid: row.get(2)?,
                sql: row.get(3)?,
            })
        })
        .map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}

enum Readable {
    Yes(Table),
    No(LeftOut),
}

fn read_table(connection: &Connection, listed: &Listed) -> Result<Readable> {
    let left_out = |reason: &str, content: Option<String>| {
        Ok(Readable::No(LeftOut {
            name: listed.name.clone(),
            reason: reason.to_owned(),
            sql: listed.sql.clone(),
            content,
        }))
    };
    if listed.virtual_table {
        match own_content(&listed.sql) {
            Content::Own => {}
            Content::Elsewhere(table) => {
                return left_out(
                    "is an index over another table, rebuilt after a restore",
                    Some(table),
                );
            }
            Content::None => {
                return left_out("keeps no content that could be read back", None);
            }
            Content::Unknown(module) => {
                return left_out(&format!("belongs to the virtual table module {module}"), None);
            }
        }
    }
    let (columns, names) = match columns(connection, &listed.name) {
        Ok(columns) => columns,
        Err(_) if listed.virtual_table => return left_out("cannot be opened here", None),
        Err(error) => return Err(error),
    };
    let indexes = indexes(connection, &listed.name)?;
    let identity = if listed.without_rowid {
        let mut key: Vec<usize> =
            (0..columns.len()).filter(|&place| columns[place].key > 0).collect();
        key.sort_unstable_by_key(|&place| columns[place].key);
        Identity::Key(key)
    } else if let Some(place) = integer_primary_key(&columns, &indexes, listed) {
        Identity::Column(place)
    } else {
        let free = ["rowid", "_rowid_", "oid"]
            .into_iter()
            .find(|alias| !names.iter().any(|name| name.eq_ignore_ascii_case(alias)));
        match free {
            Some(alias) => Identity::Rowid(alias.to_owned()),
            None => {
                return left_out(
                    "has columns named rowid, _rowid_ and oid, which hide the rowid",
                    None,
                );
            }
        }
    };
    let beside_identity = indexes.iter().any(|index| match identity {
        Identity::Key(_) => index.unique && index.origin != "pk",
        _ => index.unique,
    });
    Ok(Readable::Yes(Table {
        name: listed.name.clone(),
        sql: listed.sql.clone(),
        storage: match (listed.virtual_table, listed.without_rowid) {
            (true, _) => Storage::Virtual,
            (_, true) => Storage::WithoutRowid,
            _ => Storage::Rowid,
        },
        identity,
        generated: names
            .into_iter()
            .filter(|name| !columns.iter().any(|column| column.name == *name))
            .collect(),
        columns,
        unique: beside_identity || listed.virtual_table,
        autoincrement: counts_rowids(connection, &listed.name)?,
        parents: parents(connection, &listed.name)?,
    }))
}

/// The columns with values of their own, and the names of all columns, generated ones too.
fn columns(connection: &Connection, table: &str) -> Result<(Vec<Column>, Vec<String>)> {
    let mut statement = connection
        .prepare("SELECT name, type, \"notnull\", pk, dflt_value, hidden FROM pragma_table_xinfo(?1) ORDER BY cid")
        .map_err(failed)?;
    let rows = statement
        .query_map([table], |row| {
            let column = Column {
                name: row.get(0)?,
                declared: row.get(1)?,
                not_null: row.get(2)?,
                key: row.get(3)?,
                default: row.get(4)?,
            };
            Ok((column, row.get::<_, i64>(5)?))
        })
        .map_err(failed)?;
    let (mut columns, mut names) = (Vec::new(), Vec::new());
    for row in rows {
        let (column, hidden) = row.map_err(failed)?;
        names.push(column.name.clone());
        if hidden == 0 {
            columns.push(column);
        }
    }
    Ok((columns, names))
}

struct Index {
    unique: bool,
    origin: String,
}

fn indexes(connection: &Connection, table: &str) -> Result<Vec<Index>> {
    let mut statement = connection
        .prepare("SELECT \"unique\", origin FROM pragma_index_list(?1)")
        .map_err(failed)?;
    let rows = statement
        .query_map([table], |row| Ok(Index { unique: row.get(0)?, origin: row.get(1)? }))
        .map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}

/// A lone primary key column of type INTEGER is the rowid, unless an index stands behind it (as
/// with `INTEGER PRIMARY KEY DESC`). An R-Tree's first column is its rowid too.
fn integer_primary_key(columns: &[Column], indexes: &[Index], listed: &Listed) -> Option<usize> {
    if listed.virtual_table {
        return module(&listed.sql).0.starts_with("rtree").then_some(0);
    }
    let mut key = columns.iter().enumerate().filter(|(_, column)| column.key > 0);
    let (place, column) = key.next()?;
    let alone = key.next().is_none();
    let has_index = indexes.iter().any(|index| index.origin == "pk");
    (alone && !has_index && column.declared.eq_ignore_ascii_case("integer")).then_some(place)
}

fn counts_rowids(connection: &Connection, table: &str) -> Result<bool> {
    let sql: Option<String> = connection
        .query_row(
            "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 \
             AND EXISTS (SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence')",
            [table],
            |row| row.get(0),
        )
        .optional()
        .map_err(failed)?;
    Ok(sql.is_some_and(|sql| {
        tokens(&sql).iter().any(|token| token.eq_ignore_ascii_case("autoincrement"))
    }))
}

fn parents(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = connection
        .prepare("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1) ORDER BY 1")
        .map_err(failed)?;
    let rows = statement.query_map([table], |row| row.get(0)).map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}

enum Content {
    Own,
    Elsewhere(String),
    None,
    Unknown(String),
}

/// Where a virtual table keeps what it holds, told from its SQL.
fn own_content(sql: &str) -> Content {
    let (module, arguments) = module(sql);
    match module.as_str() {
        "rtree" | "rtree_i32" => Content::Own,
        "fts3" | "fts4" | "fts5" => {
            let content = arguments.iter().find_map(|argument| {
                let (name, value) = argument.split_once('=')?;
                name.trim().eq_ignore_ascii_case("content").then(|| unquoted(value.trim()))
            });
            match content {
                None => Content::Own,
                Some(table) if table.is_empty() => Content::None,
                Some(table) => Content::Elsewhere(table),
            }
        }
        _ => Content::Unknown(module),
    }
}

fn unquoted(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.next_back()) {
        (Some(open @ ('"' | '\'' | '`')), Some(close)) if open == close => {
            let inner = characters.as_str();
            inner.replace(&format!("{open}{open}"), &open.to_string())
        }
        (Some('['), Some(']')) => characters.as_str().to_owned(),
        _ => text.to_owned(),
    }
}

/// The module of a CREATE VIRTUAL TABLE statement, in lower case, and its arguments.
fn module(sql: &str) -> (String, Vec<String>) {
    let tokens = tokens(sql);
    let Some(using) = tokens.iter().position(|token| token.eq_ignore_ascii_case("using")) else {
        return (String::new(), Vec::new());
    };
    let module =
        tokens.get(using + 1).map(|token| unquoted(token).to_ascii_lowercase()).unwrap_or_default();
    let mut arguments = Vec::new();
    let mut argument = String::new();
    let mut depth = 0_usize;
    for token in tokens.iter().skip(using + 2) {
        match token.as_str() {
            "(" if depth == 0 => depth = 1,
            ")" if depth == 1 => break,
            "," if depth == 1 => arguments.push(std::mem::take(&mut argument)),
            token => {
                match token {
                    "(" => depth += 1,
                    ")" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                argument.push_str(token);
            }
        }
    }
    arguments.push(argument);
    (module, arguments)
}

/// SQL in words: quoted names and strings whole, comments and white space dropped.
fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
            '"' | '\'' | '`' => quoted_length(rest, first),
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            c if c.is_alphanumeric() || c == '_' => rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
                .unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length.max(first.len_utf8()));
        let comment = token.starts_with("--") || token.starts_with("/*");
        if !comment && !token.trim().is_empty() {
            tokens.push(token.to_owned());
        }
        rest = after;
    }
    tokens
}

/// Bytes of the quoted text at the start of `text`, its quotes included; a doubled quote is inside.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == quote {
            if characters.peek().is_some_and(|&(_, next)| next == quote) {
                characters.next();
            } else {
                return at + 1;
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(sql: &str) -> Schema {
        let connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(sql).expect("the schema");
        Schema::read(&connection).expect("the schema is read")
    }

    #[test]
    fn the_identity_of_a_row_is_told_from_the_table() {
        let schema = schema(
            "CREATE TABLE a(id INTEGER PRIMARY KEY, x);
             CREATE TABLE b(id INTEGER PRIMARY KEY DESC, x);
             CREATE TABLE c(x, y, PRIMARY KEY(y, x)) WITHOUT ROWID;
             CREATE TABLE d(rowid TEXT, x);
             CREATE TABLE e(id INT PRIMARY KEY);
             CREATE TABLE f(rowid, _rowid_, oid);
             CREATE TABLE g(x INTEGER, PRIMARY KEY(x));",
        );
        let identity = |name| schema.table(name).map(|table| table.identity.clone());
        assert_eq!(identity("a"), Some(Identity::Column(0)));
        assert_eq!(identity("b"), Some(Identity::Rowid("rowid".into())));
        assert_eq!(identity("c"), Some(Identity::Key(vec![1, 0])));
        assert_eq!(identity("d"), Some(Identity::Rowid("_rowid_".into())));
        assert_eq!(identity("e"), Some(Identity::Rowid("rowid".into())));
        assert_eq!(identity("g"), Some(Identity::Column(0)));
        assert_eq!(schema.left_out[0].name, "f");
        assert_eq!(schema.table("e").map(Table::declared_key_places), Some(vec![1]));
        assert_eq!(schema.table("a").map(Table::declared_key_places), Some(vec![]));
    }

    #[test]
    fn generated_columns_and_shadow_tables_are_not_listed() {
        let schema = schema(
            "CREATE TABLE a(id INTEGER PRIMARY KEY, x, y AS (x + 1), z AS (x + 2) STORED);
             CREATE VIRTUAL TABLE own USING fts5(body, note UNINDEXED);
             CREATE VIRTUAL TABLE outside USING fts5(x, content = \"a\", content_rowid='id');
             CREATE VIRTUAL TABLE no_content USING fts5(x, content='');
             CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, +label);",
        );
        let names: Vec<_> = schema.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["a", "boxes", "own"]);
        assert_eq!(schema.table("a").map(|table| table.columns.len()), Some(2));
        assert_eq!(schema.table("own").map(|table| table.columns.len()), Some(2));
        assert_eq!(
            schema.table("boxes").map(|table| table.identity.clone()),
            Some(Identity::Column(0))
        );
        assert_eq!(schema.left_out.len(), 2);
        assert_eq!(schema.left_out[1].content.as_deref(), Some("a"));
    }

    #[test]
    fn comments_hide_what_is_in_them_from_their_first_star_on() {
        let found = module("CREATE VIRTUAL TABLE t USING fts5/*/ ) */(a /*/ ) */, b)");
        assert_eq!(found, ("fts5".to_owned(), vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn autoincrement_is_a_word_of_the_table_and_not_of_a_comment_or_a_name() {
        let schema = schema(
            "CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT);
             CREATE TABLE b(id INTEGER PRIMARY KEY, \"autoincrement\" /* autoincrement */);",
        );
        assert_eq!(schema.table("a").map(|table| table.autoincrement), Some(true));
        assert_eq!(schema.table("b").map(|table| table.autoincrement), Some(false));
    }
}
