//! Values.

use snapback::snapshot::Value;

use super::{database, round_trip, round_trip_of};

#[test]
fn numbers_at_the_ends_of_their_range_come_back_to_the_bit() {
    round_trip(
        "CREATE TABLE numbers(id INTEGER PRIMARY KEY, n);
         INSERT INTO numbers(n) VALUES(9223372036854775807), (-9223372036854775808), (0), (0.0), (-0.0),
             (9e999), (-9e999), (4.9e-324), (1.7976931348623157e308), (0.1), (1e15), (1e16), (123456789.0),
             (9007199254740993.0), (NULL);",
        "UPDATE numbers SET n = CASE WHEN typeof(n) = 'real' THEN CAST(n AS INTEGER) ELSE n * 1.0 END;
         DELETE FROM numbers WHERE id % 3 = 0",
    );
}

#[test]
fn the_sign_of_a_zero_is_a_difference() {
    let (_, restored) = round_trip(
        "CREATE TABLE zeros(id INTEGER PRIMARY KEY, n); INSERT INTO zeros VALUES(1, -0.0), (2, 0.0)",
        "UPDATE zeros SET n = 3 - id; UPDATE zeros SET n = CASE n WHEN 2 THEN 0.0 ELSE -0.0 END",
    );
    assert_eq!(restored.tables[0].changed, 2);
}

#[test]
fn a_rowid_may_be_any_integer() {
    round_trip(
        "CREATE TABLE ends(id INTEGER PRIMARY KEY, x);
         INSERT INTO ends VALUES(9223372036854775807, 'most'), (-9223372036854775808, 'least'), (0, 'none'), (-1, 'less')",
        "DELETE FROM ends WHERE id < 0; UPDATE ends SET x = 'other'; INSERT INTO ends VALUES(-7, 'new')",
    );
}

#[test]
fn text_and_blobs_of_the_same_bytes_are_different_values() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, 'abc'), (2, x'616263'), (3, ''), (4, x'')",
        "UPDATE t SET x = CASE typeof(x) WHEN 'text' THEN CAST(x AS BLOB) ELSE CAST(x AS TEXT) END",
    );
}

#[test]
fn text_with_nul_and_text_that_is_no_utf8_come_back_byte_by_byte() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT);
         INSERT INTO t VALUES(1, 'a' || char(0) || 'b'), (2, CAST(x'ff00fe' AS TEXT)), (3, CAST(x'c3' AS TEXT)),
             (4, char(0)), (5, char(0x202e) || char(1) || '<script>\"')",
        "UPDATE t SET x = 'a' WHERE id = 1; UPDATE t SET x = CAST(x'ff00fd' AS TEXT) WHERE id = 2; DELETE FROM t WHERE id > 3",
    );
}

#[test]
fn text_that_is_no_utf8_is_a_key_like_any_other() {
    round_trip(
        "CREATE TABLE t(k TEXT PRIMARY KEY, x) WITHOUT ROWID;
         INSERT INTO t VALUES(CAST(x'ff' AS TEXT), 1), (CAST(x'fe00' AS TEXT), 2), ('z', 3)",
        "DELETE FROM t WHERE k = CAST(x'ff' AS TEXT); UPDATE t SET x = 20 WHERE x = 2",
    );
}

#[test]
fn a_row_of_a_million_bytes_comes_back() {
    let (app, _) = round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, blob BLOB, text TEXT);
         INSERT INTO t VALUES(1, randomblob(1000000), NULL), (2, NULL, hex(randomblob(1000000))), (3, zeroblob(300000), 'x')",
        "UPDATE t SET blob = zeroblob(5) WHERE id = 1; DELETE FROM t WHERE id = 2",
    );
    assert_eq!(app.value("SELECT length(blob) FROM t WHERE id = 1"), "5");
}

#[test]
fn a_table_without_rows_stays_one() {
    let app = database("CREATE TABLE empty(id INTEGER PRIMARY KEY, x)");
    round_trip_of(&app, "INSERT INTO empty(x) VALUES(1), (2)");
    round_trip_of(&app, "DELETE FROM empty");
}

#[test]
fn affinity_changes_no_value_on_its_way_back() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, i INTEGER, r REAL, n NUMERIC, x TEXT, b BLOB, a);
         INSERT INTO t VALUES(1, 'abc', 'abc', 'abc', 12, 1, '1'), (2, 1.5, 1, '1.0', 1.5, '1', 1), (3, x'31', x'31', x'31', x'31', 2.0, 1.0)",
        "UPDATE t SET i = 1, r = 2, n = 3, x = 4, b = 5, a = 6",
    );
}

#[test]
fn a_database_in_utf16_is_told_apart_by_bytes_too() {
    let app = database(
        "PRAGMA encoding = 'UTF-16le';
         CREATE TABLE words(word TEXT PRIMARY KEY, n) WITHOUT ROWID;
         INSERT INTO words VALUES('z', 1), ('ä', 2), ('日本', 3), (char(0x1F600), 4), (char(0xFF5E), 5);
         CREATE TABLE notes(id INTEGER PRIMARY KEY, note TEXT); INSERT INTO notes VALUES(1, 'grüße')",
    );
    assert_eq!(app.value("PRAGMA encoding"), "'UTF-16le'");
    round_trip_of(
        &app,
        "DELETE FROM words WHERE n IN (2, 4); UPDATE words SET n = 50 WHERE n = 5;
         INSERT INTO words VALUES(char(0x1F601), 6), ('y', 7); UPDATE notes SET note = 'other'",
    );
}

#[test]
fn many_rows_in_a_utf16_key_stay_in_the_order_of_their_chunks() {
    let app = database(
        "PRAGMA encoding = 'UTF-16be';
         CREATE TABLE words(word TEXT PRIMARY KEY, n) WITHOUT ROWID;
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 6000)
             INSERT INTO words SELECT char(0xFFE6 - i % 90, 0x1F600 + i % 60) || i, i FROM c",
    );
    round_trip_of(
        &app,
        "DELETE FROM words WHERE n % 97 = 0; UPDATE words SET n = -n WHERE n % 101 = 0",
    );
}

#[test]
fn a_preview_shows_values_as_they_are_stored() {
    let app =
        database("CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, x'00ff')");
    let snapshot = app.take("before");
    app.sql("UPDATE t SET x = CAST(x'ff' AS TEXT)");
    let rows = app.changed_rows(&snapshot, "t");
    let (before, after) = (rows[0].before.clone(), rows[0].after.clone());
    assert_eq!(before, Some(vec![Value::Integer(1), Value::RawText(vec![0xff])]));
    assert_eq!(after, Some(vec![Value::Integer(1), Value::Blob(vec![0, 0xff])]));
}
