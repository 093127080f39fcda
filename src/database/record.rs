//! The values of a record, as it lies in a leaf of a table.
//!
//! The format is that of <https://www.sqlite.org/fileformat2.html#record_format>: a header of serial
//! types, one for each column, then the values. What a statement would make of a record beyond its
//! bytes is left to statements: columns that were added later and have their default, generated
//! columns, the text of a database that keeps it in UTF-16.

use rusqlite::types::ValueRef;

use super::pages::varint;
use super::schema::{Identity, Storage, Table};

/// How the records of one table are read.
pub(crate) struct RecordLayout {
    /// Whether the rowid is handed out before the columns.
    rowid_first: bool,
    columns: Vec<Column>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// The value is what the record holds.
    Plain,
    /// A whole number stands for a float: SQLite keeps those of a REAL column shorter.
    Real,
    /// The rowid under a name; the record holds NULL.
    Rowid,
}

impl RecordLayout {
    /// `None` for a table whose rows only a statement can read.
    pub(crate) fn of(table: &Table) -> Option<Self> {
        if table.storage != Storage::Rowid || !table.generated.is_empty() {
            return None;
        }
        let rowid = match table.identity {
            Identity::Column(place) => Some(place),
            _ => None,
        };
        let column = |(place, column): (usize, &super::Column)| {
            if rowid == Some(place) {
                Column::Rowid
            } else if has_real_affinity(&column.declared) {
                Column::Real
            } else {
                Column::Plain
            }
        };
        let columns = table.columns.iter().enumerate().map(column).collect();
        Some(Self { rowid_first: rowid.is_none(), columns })
    }

    /// Hands out the values of a row, in the order in which a statement gives them. `None` where
    /// the record is not one of a value for each column; some values may have been handed out.
    #[inline]
    pub(crate) fn read<'r>(
        &self,
        rowid: i64,
        record: &'r [u8],
        mut each: impl FnMut(ValueRef<'r>),
    ) -> Option<()> {
        if self.rowid_first {
            each(ValueRef::Integer(rowid));
        }
        let (header, mut at) = varint(record, 0)?;
        let header = usize::try_from(header).ok()?;
        let mut body = record.get(header..)?;
        for column in &self.columns {
            if at >= header {
                return None;
            }
            let (serial, length) = varint(record, at)?;
            at += length;
            let value = value(serial, &mut body)?;
            each(match (column, value) {
                #[expect(clippy::cast_precision_loss, reason = "SQLite does the same")]
                (Column::Real, ValueRef::Integer(whole)) => ValueRef::Real(whole as f64),
                (Column::Rowid, ValueRef::Null) => ValueRef::Integer(rowid),
                (Column::Rowid, _) => return None,
                (Column::Plain | Column::Real, value) => value,
            });
        }
        (at == header && body.is_empty()).then_some(())
    }
}

/// Takes a value of this serial type off the front.
#[inline]
fn value<'r>(serial: u64, body: &mut &'r [u8]) -> Option<ValueRef<'r>> {
    let length = match serial {
        0 | 8 | 9 => 0,
        1..=4 => usize::try_from(serial).ok()?,
        5 => 6,
        6 | 7 => 8,
        // Reserved for SQLite's own use.
        10 | 11 => return None,
        _ => usize::try_from((serial - 12) / 2).ok()?,
    };
    let (bytes, rest) = body.split_at_checked(length)?;
    *body = rest;
    Some(match serial {
        0 => ValueRef::Null,
        1..=6 => ValueRef::Integer(integer(bytes)),
        7 => {
            let real = f64::from_be_bytes(bytes.try_into().ok()?);
            if real.is_nan() { ValueRef::Null } else { ValueRef::Real(real) }
        }
        8 => ValueRef::Integer(0),
        9 => ValueRef::Integer(1),
        even if even % 2 == 0 => ValueRef::Blob(bytes),
        _ => ValueRef::Text(bytes),
    })
}

/// A big-endian integer in two's complement.
#[inline]
fn integer(bytes: &[u8]) -> i64 {
    let sign = match bytes.first() {
        Some(first) if *first >= 0x80 => -1,
        _ => 0,
    };
    bytes.iter().fold(sign, |value, &byte| (value << 8) | i64::from(byte))
}

/// Whether a column declared so has REAL affinity, by the rules of
/// <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>.
fn has_real_affinity(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    let has = |names: &[&str]| names.iter().any(|name| declared.contains(name));
    !has(&["INT", "CHAR", "CLOB", "TEXT", "BLOB"]) && has(&["REAL", "FLOA", "DOUB"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affinity_follows_the_declared_type() {
        for real in ["REAL", "double precision", "Float", "DOUBLE"] {
            assert!(has_real_affinity(real), "{real}");
        }
        // The rule of a name that fits several is the first one.
        for other in ["", "INTEGER", "FLOATING POINT", "CHARREAL", "NUMERIC", "BLOB", "ANY"] {
            assert!(!has_real_affinity(other), "{other}");
        }
    }

    #[test]
    fn integers_of_every_length_keep_their_sign() {
        assert_eq!(integer(&[]), 0);
        assert_eq!(integer(&[0xff]), -1);
        assert_eq!(integer(&[0x7f]), 127);
        assert_eq!(integer(&[0x80, 0, 0]), -8_388_608);
        assert_eq!(integer(&i64::MIN.to_be_bytes()), i64::MIN);
        assert_eq!(integer(&i64::MAX.to_be_bytes()), i64::MAX);
    }

    #[test]
    fn a_record_that_ends_early_is_not_read() {
        let layout = RecordLayout { rowid_first: false, columns: vec![Column::Plain; 2] };
        // Header of 3 bytes: an integer of one byte, text of two bytes.
        let record = [3, 1, 17, 5, b'a', b'b'];
        let mut values = Vec::new();
        assert_eq!(layout.read(1, &record, |value| values.push(value)), Some(()));
        assert_eq!(values, [ValueRef::Integer(5), ValueRef::Text(b"ab")]);
        for end in 0..record.len() {
            assert_eq!(layout.read(1, &record[..end], |_| ()), None, "{end} bytes");
        }
        // One value too few, as after ALTER TABLE ADD COLUMN, and one too many.
        assert_eq!(layout.read(1, &[2, 1, 5], |_| ()), None);
        assert_eq!(layout.read(1, &[4, 1, 17, 8, 5, b'a', b'b'], |_| ()), None);
    }
}
