use super::collect::Collected;
use super::write::Written;
use super::*;

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::error::Error;

/// Bytes that do not compress, told apart by `seed`.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

/// Writes one pack with these chunks, and gives its name.
fn write(packs: &Packs, chunks: &[Vec<u8>]) -> String {
    let mut writer = packs.writer().expect("a writer");
    for chunk in chunks {
        writer.put(Chunk::of(chunk.clone())).expect("put");
    }
    let written = writer.finish().expect("finished");
    assert_eq!(written.packs.len(), 1);
    written.packs.into_iter().next().expect("a pack")
}

fn wanted(chunk: &[u8]) -> (ChunkHash, u64) {
    (ChunkHash::of(chunk), chunk.len() as u64)
}

fn read(packs: &Packs, chunk: &[u8]) -> Result<Vec<u8>> {
    let (hash, length) = wanted(chunk);
    packs.read(&hash, length).map(|chunk| chunk.bytes().to_vec())
}

fn in_memory() -> (Packs, Store) {
    let store = Store::memory();
    (Packs::open(store.clone()).expect("packs"), store)
}

fn on_disk() -> (Packs, Store, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::directory(folder.path()).expect("a store");
    (Packs::open(store.clone()).expect("packs"), store, folder)
}

fn pack_bytes(store: &Store, name: &str) -> Vec<u8> {
    store.get(&key_of(name), u64::MAX).expect("read").expect("a pack").to_vec()
}

fn damage_of(error: &Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    error.to_string()
}

/// Everything that lives, as `collect` wants it.
fn live(chunks: &[Vec<u8>]) -> HashSet<ChunkHash> {
    chunks.iter().map(|chunk| ChunkHash::of(chunk)).collect()
}

fn collect(packs: &Packs, live: &HashSet<ChunkHash>) -> Collected {
    let later = Timestamp::now() + SignedDuration::from_hours(2);
    packs.collect(live, Duration::from_hours(1), later, false, &|| Ok(())).expect("collected")
}

fn file_names(store: &Store) -> Vec<String> {
    let metas = store.list(FOLDER).expect("a listing");
    metas.iter().filter_map(|meta| name_in(&meta.key)).collect()
}

#[test]
fn chunks_read_back_here_and_in_another_opening() {
    let (packs, store) = in_memory();
    let chunks = [b"one row\n".repeat(900), Vec::new(), noise(1, 40_000), b"x".to_vec()];
    let mut writer = packs.writer().expect("a writer");
    for chunk in &chunks {
        writer.put(Chunk::of(chunk.clone())).expect("put");
    }
    let written = writer.finish().expect("finished");
    assert_eq!(written.chunks, 4);
    assert_eq!(written.bytes, pack_bytes(&store, &written.packs[0]).len() as u64);
    for packs in [packs, Packs::open(store).expect("packs")] {
        for chunk in &chunks {
            assert_eq!(&read(&packs, chunk).expect("read"), chunk);
            let (_, raw) = packs.lengths(&ChunkHash::of(chunk)).expect("known");
            assert_eq!(raw as usize, chunk.len());
        }
        assert!(packs.lengths(&ChunkHash::of(&chunks[0])).expect("known").0 < 200);
    }
}

#[test]
fn chunks_are_not_written_twice() {
    let (packs, store) = in_memory();
    let chunk = noise(1, 100);
    let mut writer = packs.writer().expect("a writer");
    for _ in 0..3 {
        writer.put(Chunk::of(chunk.clone())).expect("put");
    }
    assert_eq!(writer.finish().expect("finished").chunks, 1);
    let mut writer = packs.writer().expect("a writer");
    writer.put(Chunk::of(chunk)).expect("put");
    assert_eq!(writer.finish().expect("finished"), Written::default());
    assert_eq!(file_names(&store).len(), 1);
}

#[test]
fn many_chunks_are_read_in_the_order_asked_for() {
    let (packs, _) = in_memory();
    let chunks: Vec<Vec<u8>> = (0..60).map(|seed| noise(seed, 100_000)).collect();
    write(&packs, &chunks[..40]);
    write(&packs, &chunks[40..]);
    let order = [59, 0, 3, 2, 1, 41, 40, 0, 12];
    let asked: Vec<_> = order.iter().map(|&number| wanted(&chunks[number])).collect();
    let got = packs.read_many(&asked).expect("read");
    for (chunk, number) in got.iter().zip(order) {
        assert!(chunk.bytes() == chunks[number]);
    }
    let all: Vec<_> = chunks.iter().map(|chunk| wanted(chunk)).collect();
    let got = packs.read_many(&all).expect("read");
    assert!(got.iter().zip(&chunks).all(|(got, chunk)| got.bytes() == chunk));
    assert!(packs.read_many(&[]).expect("nothing").is_empty());
}

#[test]
fn a_pack_past_its_size_is_followed_by_another() {
    let (packs, _store, _folder) = on_disk();
    let chunks: Vec<Vec<u8>> = (0..9).map(|seed| noise(seed, 8 << 20)).collect();
    let mut writer = packs.writer().expect("a writer");
    for chunk in &chunks {
        writer.put(Chunk::of(chunk.clone())).expect("put");
    }
    assert_eq!(writer.finish().expect("finished").packs.len(), 2);
    assert!(chunks.iter().all(|chunk| read(&packs, chunk).expect("read") == *chunk));
}

#[test]
fn an_index_longer_than_the_first_read_is_read_whole() {
    let (packs, store) = in_memory();
    let chunks: Vec<Vec<u8>> = (0..3000).map(|seed| noise(seed, 9)).collect();
    write(&packs, &chunks);
    let packs = Packs::open(store).expect("packs");
    assert!(packs.damaged().is_empty());
    assert!(chunks.iter().all(|chunk| read(&packs, chunk).expect("read") == *chunk));
}

#[test]
fn an_unfinished_writer_leaves_nothing() {
    let (packs, store, _folder) = on_disk();
    let chunk = noise(1, 20 << 20);
    let mut writer = packs.writer().expect("a writer");
    writer.put(Chunk::of(chunk.clone())).expect("put");
    drop(writer);
    assert!(file_names(&store).is_empty());
    assert!(!packs.contains(&ChunkHash::of(&chunk)));
}

#[cfg(unix)]
#[test]
fn a_failure_to_store_reaches_the_one_who_puts_or_finishes() {
    let (packs, _store, folder) = on_disk();
    std::os::unix::fs::symlink("elsewhere", folder.path().join("packs")).expect("a link");
    let mut writer = packs.writer().expect("a writer");
    let failed = (0..)
        .map(|seed| noise(seed, 1 << 20))
        .take(64)
        .find_map(|chunk| writer.put(Chunk::of(chunk)).err());
    // 64 MiB do not fit the queue, so some put must have learnt of it.
    assert!(failed.expect("a failure").thing().ends_with("packs"));
    assert!(writer.finish().is_err());

    let mut writer = packs.writer().expect("a writer");
    let put = writer.put(Chunk::of(b"x".to_vec()));
    assert!(put.and_then(|()| writer.finish()).is_err());
}

#[test]
fn every_flipped_bit_of_a_pack_is_noticed() {
    let (packs, store) = in_memory();
    let chunks = [b"a row of text\n".repeat(20), noise(1, 90), b"[1,\"x\"]\n".to_vec()];
    let name = write(&packs, &chunks);
    let sound = pack_bytes(&store, &name);
    for at in 0..sound.len() {
        for bit in 0..8 {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << bit;
            store.put(&key_of(&name), bytes).expect("put");
            let packs = Packs::open(store.clone()).expect("opens all the same");
            let unread = chunks.iter().filter(|chunk| read(&packs, chunk).is_err()).count();
            let noticed = unread > 0 || !packs.damaged().is_empty();
            assert!(noticed, "byte {at} bit {bit}");
        }
    }
}

#[test]
fn every_truncation_of_a_pack_is_noticed() {
    let (packs, store) = in_memory();
    let chunk = noise(1, 200);
    let name = write(&packs, std::slice::from_ref(&chunk));
    let sound = pack_bytes(&store, &name);
    for length in 0..sound.len() {
        store.put(&key_of(&name), sound[..length].to_vec()).expect("put");
        let reopened = Packs::open(store.clone()).expect("opens all the same");
        assert_eq!(reopened.damaged().len(), 1, "{length} bytes");
        assert_eq!(reopened.damaged()[0].0, name);
        // One who knew the sound pack reads it or says that it is damaged, and nothing else.
        match packs.read(&ChunkHash::of(&chunk), 200) {
            Ok(read) => assert!(read.bytes() == chunk),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged, "{length} bytes"),
        }
    }
    store.put(&key_of(&name), [&sound[..], b"more"].concat()).expect("put");
    assert_eq!(Packs::open(store).expect("packs").damaged().len(), 1);
}

#[test]
fn swapped_packs_give_the_right_chunks_or_none() {
    let (packs, store, folder) = on_disk();
    let chunks = [noise(1, 5000), noise(2, 5000)];
    let [a, b] = [0, 1].map(|number: usize| {
        let name = write(&packs, &chunks[number..=number]);
        folder.path().join(key_of(&name))
    });
    packs.refresh().expect("refreshed");
    let aside = folder.path().join("aside");
    for (from, to) in [(&a, &aside), (&b, &a), (&aside, &b)] {
        fs::rename(from, to).expect("moved");
    }
    for packs in [packs, Packs::open(store).expect("packs")] {
        assert!(chunks.iter().all(|chunk| read(&packs, chunk).expect("read") == *chunk));
    }
}

#[test]
fn a_damaged_chunk_is_named_with_its_pack_and_the_others_are_read() {
    let (packs, store) = in_memory();
    let chunks = [noise(1, 300), noise(2, 300), noise(3, 300)];
    let name = write(&packs, &chunks);
    let mut bytes = pack_bytes(&store, &name);
    bytes[450] ^= 0xff;
    store.put(&key_of(&name), bytes).expect("put");
    let packs = Packs::open(store).expect("packs");
    let all: Vec<_> = chunks.iter().map(|chunk| wanted(chunk)).collect();
    let error = packs.read_many(&all).expect_err("one is damaged");
    let hash = ChunkHash::of(&chunks[1]);
    assert_eq!(
        damage_of(&error),
        format!(
            "packs/{name}.pack: chunk {hash} is damaged: its bytes are not those that were written"
        )
    );
    assert!(read(&packs, &chunks[0]).is_ok() && read(&packs, &chunks[2]).is_ok());
}

#[test]
fn a_chunk_found_damaged_is_written_anew_by_the_next_take() {
    let (packs, store) = in_memory();
    let chunk = noise(1, 300);
    let name = write(&packs, std::slice::from_ref(&chunk));
    let mut bytes = pack_bytes(&store, &name);
    bytes[10] ^= 1;
    store.put(&key_of(&name), bytes).expect("put");
    assert!(read(&packs, &chunk).is_err());
    assert_eq!(packs.missing([ChunkHash::of(&chunk)]).expect("asked"), [ChunkHash::of(&chunk)]);
    write(&packs, std::slice::from_ref(&chunk));
    assert_eq!(read(&packs, &chunk).expect("read"), chunk);
    assert_eq!(read(&Packs::open(store).expect("packs"), &chunk).expect("read"), chunk);
}

#[test]
fn a_pack_brought_back_from_a_copy_is_trusted_again() {
    let (packs, store) = in_memory();
    let chunk = noise(1, 300);
    let name = write(&packs, std::slice::from_ref(&chunk));
    let sound = pack_bytes(&store, &name);
    let mut bytes = sound.clone();
    bytes[10] ^= 1;
    store.put(&key_of(&name), bytes).expect("put");
    assert!(read(&packs, &chunk).is_err());
    store.put(&key_of(&name), sound).expect("put");
    assert_eq!(read(&packs, &chunk).expect("read"), chunk);
    assert!(packs.contains(&ChunkHash::of(&chunk)));
}

#[test]
fn a_chunk_that_is_nowhere_is_missing() {
    let (packs, _) = in_memory();
    let hash = ChunkHash::of(b"x");
    let error = packs.read(&hash, 1).expect_err("nowhere");
    assert_eq!(damage_of(&error), format!("memory: chunk {hash} is missing"));
    assert_eq!(packs.missing([hash]).expect("asked"), [hash]);
}

#[test]
fn a_chunk_of_another_length_than_expected_is_refused() {
    let (packs, _) = in_memory();
    let chunk = noise(1, 100);
    write(&packs, std::slice::from_ref(&chunk));
    for length in [0, 99, 101, u64::MAX] {
        let error = packs.read(&ChunkHash::of(&chunk), length).expect_err("another length");
        assert!(damage_of(&error).contains("another length"));
    }
    assert_eq!(read(&packs, &chunk).expect("still read"), chunk);
}

#[test]
fn a_decompression_bomb_is_unpacked_no_further_than_its_entry_says() {
    // A pack whose checksums all hold, made by somebody who means harm: 64 MiB of zeros in a
    // frame that says it has 100 bytes.
    let mut packer = format::Packer::new().expect("a packer");
    let zeros = vec![0; 64 << 20];
    let hash = ChunkHash::of(&zeros);
    let (mut entry, frame) = packer.pack(hash, &zeros).expect("packed");
    assert!(frame.len() < 10_000);
    entry.raw_length = 100;
    let error = format::unpack(&entry, &frame).expect_err("a bomb");
    assert_eq!(error, "it cannot be decompressed to the length it should have");
    entry.raw_length = u32::MAX;
    let error = format::unpack(&entry, &frame).expect_err("a bomb");
    assert_eq!(error, "it claims to be larger than a chunk may be");
    let store = Store::memory();
    store.put("packs/b.pack", [frame, format::closing(&[entry])].concat()).expect("put");
    assert_eq!(
        Packs::open(store).expect("packs").damaged(),
        [("b".to_owned(), "its index contradicts itself".to_owned())]
    );
}

#[test]
fn a_chunk_under_the_name_of_another_is_refused() {
    // Every checksum of the pack holds: only what the chunk holds tells.
    let (one, other) = (noise(1, 100), noise(2, 100));
    let mut packer = format::Packer::new().expect("a packer");
    let (entry, frame) = packer.pack(ChunkHash::of(&one), &other).expect("packed");
    let store = Store::memory();
    store.put("packs/b.pack", [frame, format::closing(&[entry])].concat()).expect("put");
    let packs = Packs::open(store).expect("packs");
    assert_eq!(packs.damaged(), []);
    let error = read(&packs, &one).expect_err("another chunk");
    assert!(damage_of(&error).contains("do not have the hash that names it"), "{error}");
}

#[test]
fn files_that_are_no_packs_break_nothing() {
    let (packs, store, folder) = on_disk();
    let chunk = noise(1, 100);
    write(&packs, std::slice::from_ref(&chunk));
    for (name, bytes) in
        [("empty.pack", &b""[..]), ("zeros.pack", &[0; 500]), ("readme.txt", b"hello")]
    {
        fs::write(folder.path().join("packs").join(name), bytes).expect("written");
    }
    fs::create_dir(folder.path().join("packs/folder.pack")).expect("a folder");
    let packs = Packs::open(store).expect("packs");
    let damaged: Vec<String> = packs.damaged().into_iter().map(|(name, _)| name).collect();
    assert_eq!(damaged, ["empty", "zeros"]);
    assert_eq!(read(&packs, &chunk).expect("read"), chunk);
    fs::remove_file(folder.path().join("packs/empty.pack")).expect("removed");
    packs.refresh().expect("refreshed");
    assert_eq!(packs.damaged().len(), 1);
}

#[test]
fn a_reader_follows_a_chunk_that_another_process_has_moved() {
    let (writer, store) = in_memory();
    let chunks = [noise(1, 100), noise(2, 9000)];
    write(&writer, &chunks);
    let reader = Packs::open(store).expect("packs");
    let collected = collect(&writer, &live(&chunks[..1]));
    assert_eq!((collected.packs_removed, collected.packs_written), (1, 1));
    assert_eq!(read(&reader, &chunks[0]).expect("found again"), chunks[0]);
    assert!(damage_of(&read(&reader, &chunks[1]).expect_err("gone")).ends_with("is missing"));
}

#[test]
fn a_pack_gone_for_good_is_forgotten() {
    let (packs, store) = in_memory();
    let chunk = noise(1, 100);
    let name = write(&packs, std::slice::from_ref(&chunk));
    store.delete(&key_of(&name)).expect("deleted");
    assert!(damage_of(&read(&packs, &chunk).expect_err("gone")).ends_with("is missing"));
    assert!(!packs.contains(&ChunkHash::of(&chunk)));
    write(&packs, std::slice::from_ref(&chunk));
    packs.refresh().expect("refreshed");
    assert!(packs.contains(&ChunkHash::of(&chunk)));
}

#[test]
fn collecting_keeps_every_live_chunk_and_frees_what_it_says() {
    let (packs, store, _folder) = on_disk();
    let chunks: Vec<Vec<u8>> = (0..40).map(|seed| noise(seed, 10_000)).collect();
    for group in chunks.chunks(10) {
        write(&packs, group);
    }
    // Of the first pack all, of the second one, of the third none, of the fourth two.
    let alive: Vec<Vec<u8>> =
        (0..11).chain([30, 39]).map(|number| chunks[number].clone()).collect();
    let size = || store.list(FOLDER).expect("a listing").iter().map(|meta| meta.size).sum::<u64>();
    let before = size();
    let later = Timestamp::now() + SignedDuration::from_hours(2);
    let hour = Duration::from_hours(1);
    let ahead = packs.collect(&live(&alive), hour, later, true, &|| Ok(())).expect("a dry run");
    assert_eq!(size(), before, "a dry run changes nothing");
    let collected =
        packs.collect(&live(&alive), hour, later, false, &|| Ok(())).expect("collected");
    assert_eq!(collected.packs_removed, 3);
    assert_eq!(collected.packs_written, 1);
    assert_eq!(collected.bytes_freed, before - size());
    assert_eq!(ahead.packs_removed, 3);
    assert!(ahead.bytes_freed.abs_diff(collected.bytes_freed) < 200);
    for packs in [packs.clone(), Packs::open(store.clone()).expect("packs")] {
        assert!(alive.iter().all(|chunk| read(&packs, chunk).expect("read") == *chunk));
        assert!(!packs.contains(&ChunkHash::of(&chunks[20])));
    }
    assert_eq!(collect(&packs, &live(&alive)), Collected::default(), "nothing is left to do");
}

#[test]
fn a_young_pack_is_left_alone() {
    let (packs, store) = in_memory();
    write(&packs, &[noise(1, 100)]);
    let collected = packs.collect(
        &HashSet::new(),
        Duration::from_hours(1),
        Timestamp::now(),
        false,
        &|| Ok(()),
    );
    assert_eq!(collected.expect("collected"), Collected::default());
    assert_eq!(file_names(&store).len(), 1);
}

#[test]
fn many_small_packs_are_put_together() {
    let (packs, store) = in_memory();
    let chunks: Vec<Vec<u8>> = (0..16).map(|seed| noise(seed, 1000)).collect();
    for chunk in &chunks {
        write(&packs, std::slice::from_ref(chunk));
    }
    let collected = collect(&packs, &live(&chunks));
    assert_eq!((collected.packs_removed, collected.packs_written), (16, 1));
    assert_eq!(file_names(&store).len(), 1);
    assert!(chunks.iter().all(|chunk| read(&packs, chunk).expect("read") == *chunk));
}

#[test]
fn a_pack_with_a_damaged_live_chunk_stays() {
    let (packs, store) = in_memory();
    let chunks: Vec<Vec<u8>> = (0..4).map(|seed| noise(seed, 1000)).collect();
    let name = write(&packs, &chunks);
    let mut bytes = pack_bytes(&store, &name);
    bytes[10] ^= 1;
    store.put(&key_of(&name), bytes).expect("put");
    let packs = Packs::open(store.clone()).expect("packs");
    for _ in 0..2 {
        assert_eq!(collect(&packs, &live(&chunks[..1])), Collected::default());
        assert_eq!(file_names(&store), [name.as_str()]);
    }
}

#[test]
fn of_two_copies_the_sound_one_outlives_a_collection() {
    // What a crash between writing the new pack and deleting the old one leaves, with the bad luck
    // that one of the two was damaged since.
    for damaged in [0, 1] {
        let (packs, store) = in_memory();
        let chunk = noise(1, 1000);
        let names = [0, 1].map(|_| {
            let other = Packs::open(Store::memory()).expect("packs");
            let name = write(&other, std::slice::from_ref(&chunk));
            store.put(&key_of(&name), pack_bytes(other.store(), &name)).expect("copied");
            name
        });
        let mut bytes = pack_bytes(&store, &names[damaged]);
        bytes[10] ^= 1;
        store.put(&key_of(&names[damaged]), bytes).expect("put");
        collect(&packs, &live(std::slice::from_ref(&chunk)));
        assert_eq!(read(&packs, &chunk).expect("read"), chunk);
        let reopened = Packs::open(store).expect("packs");
        assert_eq!(read(&reopened, &chunk).expect("read"), chunk);
    }
}

#[test]
fn a_hash_is_written_as_hexadecimal_digits() {
    let hash = ChunkHash::of(b"");
    let text = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    assert_eq!(hash.to_string(), text);
    assert_eq!(text.parse::<ChunkHash>().expect("a hash"), hash);
    let json = serde_json::to_string(&hash).expect("JSON");
    assert_eq!(serde_json::from_str::<ChunkHash>(&json).expect("a hash"), hash);
    for text in ["", "af", &"g".repeat(64), &"a".repeat(65)] {
        assert!(text.parse::<ChunkHash>().is_err(), "{text}");
    }
}

#[test]
fn only_file_names_that_a_pack_can_have_are_packs() {
    assert_eq!(name_in("packs/0a.pack").as_deref(), Some("0a"));
    for key in ["packs/.pack", "packs/a b.pack", "packs/a.json", "other/a.pack", "packs/../a.pack"]
    {
        assert_eq!(name_in(key), None, "{key}");
    }
    let path: PathBuf = key_of("0a").into();
    assert_eq!(path, PathBuf::from("packs").join("0a.pack"));
}

#[test]
fn a_cached_index_under_the_name_of_another_pack_is_not_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::memory_with_cache(folder.path());
    let packs = Packs::open(store.clone()).expect("packs");
    let chunks = [noise(1, 50_000), noise(2, 50_000)];
    let names = chunks.clone().map(|chunk| write(&packs, &[chunk]));
    // Another opening reads the indexes, and keeps them.
    Packs::open(store.clone()).expect("packs");
    let cached = names.map(|name| {
        let mut files =
            fs::read_dir(folder.path()).expect("a cache").map(|file| file.expect("one").path());
        let is_index = |path: &PathBuf| {
            let file = path.file_name().expect("a name").to_string_lossy().into_owned();
            file.starts_with(&name) && path.extension().is_some_and(|end| end == "index")
        };
        files.find(is_index).expect("an index")
    });
    let [one, other] = cached.clone().map(|path| fs::read(path).expect("read"));
    assert_eq!(one.len(), other.len());
    for (path, bytes) in cached.iter().zip([other, one]) {
        fs::write(path, bytes).expect("swapped");
    }
    let packs = Packs::open(store).expect("packs");
    collect(&packs, &live(&chunks[..1]));
    assert_eq!(read(&packs.past_the_cache(), &chunks[0]).expect("still there"), chunks[0]);
}
