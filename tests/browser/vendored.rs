//! The files of others are the ones that `assets/VENDORED.md` names.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

#[test]
fn vendored_files_are_byte_for_byte_what_the_table_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("assets/VENDORED.md")).expect("the table");
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let bytes = fs::read(root.join(cells[1])).expect("a vendored file");
        let hash = format!("{:x}", Sha256::digest(&bytes));
        assert_eq!(hash, cells[5], "{}", cells[1]);
        rows += 1;
    }
    assert_eq!(rows, 2, "rows of the table");
}
