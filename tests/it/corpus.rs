//! The seeds of the fuzzer, and what it once found, go through the same readers.

use std::path::Path;

use snapback::fuzzing::TARGETS;

use crate::app::App;

#[test]
fn every_seed_keeps_the_promises_of_its_reader() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, target) in TARGETS {
        let folder = std::fs::read_dir(seeds.join(name)).expect("a folder of seeds");
        let files: Vec<_> = folder.map(|file| file.expect("a seed").path()).collect();
        assert!(!files.is_empty(), "{name} has no seeds");
        for file in files {
            target(&std::fs::read(file).expect("a seed"));
        }
    }
}

#[test]
fn every_target_has_its_binary() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).expect("a manifest");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        assert!(fuzz.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name}");
    }
}

/// Real files are accepted, cut and changed ones are not: the readers are not just saying no.
#[test]
fn files_of_our_own_reach_the_readers_with_every_byte_changed() {
    let app = App::new().with_events(12);
    let snapshot = app.take("before");
    let manifest = std::fs::read(app.manifest(&snapshot)).expect("a manifest");
    let pack = std::fs::read(&app.packs()[0]).expect("a pack");
    let reader = |name| TARGETS.iter().find(|(target, _)| *target == name).expect("a target").1;
    for (bytes, target) in [(manifest, reader("manifest")), (pack, reader("chunk"))] {
        target(&bytes);
        for place in (0..bytes.len()).step_by(bytes.len().div_ceil(300)) {
            let mut changed = bytes.clone();
            changed[place] ^= 0x20;
            target(&changed);
            target(&bytes[..place]);
        }
    }
}
