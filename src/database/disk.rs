//! The disk under the database: whether its locks can be relied on, and its room.

use std::path::Path;

use crate::error::{Error, Result};

/// File systems that are somebody else's disk, by the magic number that `statfs` gives. Their locks
/// are slow at best and missing at worst, and none of them shares memory between machines, which
/// the WAL needs (sqlite.org/wal.html).
const NETWORKS: [(u32, &str); 13] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0x0000_564c, "NCP"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x1983_0326, "BeeGFS"),
    (0x4750_4653, "GPFS"),
];

/// Any file system may hide behind this one.
const FUSE: u32 = 0x6573_5546;

/// File systems in user space that keep their files on a disk of this machine.
const LOCAL_FUSE: [&str; 5] =
    ["fuseblk", "fuse.bindfs", "fuse.encfs", "fuse.fuse-overlayfs", "fuse.gocryptfs"];

/// Refuses a database that lies on a network file system.
pub(super) fn check_local(path: &Path) -> Result<()> {
    let Some(name) = network(path) else { return Ok(()) };
    Err(Error::invalid(format!("the database lies on a network file system ({name})"))
        .on(path.display())
        .hint("SQLite's locks cannot be relied on there: move it to a local disk, or accept the danger with --force-network"))
}

/// Refuses what the disk has no room for. `needed` is in bytes, at the least: a restore that needs
/// more still ends well, as SQLite takes back what it had begun.
pub(super) fn check_room(path: &Path, needed: u64) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    // A system that does not tell is no reason to refuse.
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if needed <= free {
        return Ok(());
    }
    Err(Error::failed(format!(
        "the disk has too little room: {needed} bytes are needed, {free} are free"
    ))
    .on(folder.display())
    .hint("nothing was changed; free some space, then try again"))
}

/// The network file system that a file lies on.
#[cfg(target_os = "linux")]
fn network(path: &Path) -> Option<String> {
    let disk = rustix::fs::statfs(path).ok()?;
    // Signed or not, and of 32 bits or 64, as the machine has it.
    let magic = u32::try_from(i128::from(disk.f_type) & 0xffff_ffff).ok()?;
    name_of(magic, || mounted_as(&std::fs::read_to_string("/proc/self/mountinfo").ok()?, path))
}

#[cfg(not(target_os = "linux"))]
fn network(_path: &Path) -> Option<String> {
    None
}

/// The name of a network file system; `None` for a local one.
fn name_of(magic: u32, mounted_as: impl FnOnce() -> Option<String>) -> Option<String> {
    if magic == FUSE {
        let kind = mounted_as().unwrap_or_else(|| "FUSE".to_owned());
        return (!LOCAL_FUSE.contains(&kind.as_str())).then_some(kind);
    }
    NETWORKS.iter().find(|(known, _)| *known == magic).map(|(_, name)| (*name).to_owned())
}

/// The type of the innermost mount that a path lies in, from the text of `/proc/self/mountinfo`.
fn mounted_as(mounts: &str, path: &Path) -> Option<String> {
    mounts
        .lines()
        .filter_map(|line| {
            let (place, kind) = line.split_once(" - ")?;
            let place = place.split(' ').nth(4)?.replace("\\040", " ");
            let inside = path.starts_with(&place);
            inside.then(|| (place.len(), kind.split(' ').next().unwrap_or_default().to_owned()))
        })
        // Of two mounts on one place the later one covers the earlier.
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
        30 22 0:40 / /mnt rw shared:2 - tmpfs tmpfs rw\n\
        31 30 0:41 / /mnt/far\\040away rw shared:3 - fuse.sshfs host: rw\n\
        32 30 8:1 / /mnt/usb rw - fuseblk /dev/sda1 rw\n";

    #[test]
    fn network_file_systems_are_known_by_their_magic_number() {
        let unasked = || panic!("only FUSE has another name");
        for (magic, name) in NETWORKS {
            assert_eq!(name_of(magic, unasked).as_deref(), Some(name));
        }
        // ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS.
        for magic in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert_eq!(name_of(magic, unasked), None, "{magic:x}");
        }
    }

    #[test]
    fn what_hides_behind_fuse_is_looked_up() {
        let on = |path: &str| name_of(FUSE, || mounted_as(MOUNTS, Path::new(path)));
        assert_eq!(on("/mnt/far away/app.db").as_deref(), Some("fuse.sshfs"));
        assert_eq!(on("/mnt/usb/app.db"), None);
        assert_eq!(name_of(FUSE, || None).as_deref(), Some("FUSE"));
        assert_eq!(mounted_as(MOUNTS, Path::new("/mnt/farther/app.db")).as_deref(), Some("tmpfs"));
    }

    #[test]
    fn a_local_disk_is_taken_and_its_room_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("app.db");
        assert!(check_local(folder.path()).is_ok());
        assert!(check_room(&path, 1).is_ok());
        let error = check_room(&path, u64::MAX).expect_err("no disk has so much");
        assert!(error.what().contains("18446744073709551615 bytes are needed"), "{error}");
    }
}
