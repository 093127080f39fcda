//! The table in `tests/README.md` names tests that exist.

use std::collections::HashSet;
use std::path::Path;

/// Collects the names of all functions in the Rust files of a folder.
fn functions(folder: &Path, names: &mut HashSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let after = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('('));
            names.extend(after.map(|(name, _)| name.to_owned()));
        }
    }
}

#[test]
fn every_test_in_the_table_of_hazards_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = HashSet::new();
    for folder in ["src", "tests"] {
        functions(&root.join(folder), &mut known);
    }
    let table = include_str!("../../README.md");
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let mut named = 0;
    for row in rows {
        let Some((_, shown_by)) = row.trim_end_matches('|').rsplit_once(" | ") else { continue };
        for name in shown_by.split('`').skip(1).step_by(2) {
            assert!(known.contains(name), "there is no test {name}");
            named += 1;
        }
    }
    assert!(named > 50, "the table was not read: {named} tests");
}
