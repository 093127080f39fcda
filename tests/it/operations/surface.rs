//! What is there for others: methods of addresses, modules of the crate, the oldest Rust, what an
//! image is built from.

use std::path::{Path, PathBuf};
use std::process::Command;

use poem::http::Method;
use tempfile::TempDir;

use crate::app::App;

#[test]
fn an_address_tells_which_methods_it_answers() {
    let app = App::new().with_events(3);
    let id = app.take("one").id;
    let client = app.client();
    for (path, allowed) in [
        ("/snapshots".to_owned(), "GET, HEAD"),
        ("/history".to_owned(), "GET, HEAD"),
        ("/snapshots/take".to_owned(), "GET, HEAD, POST"),
        (format!("/snapshots/{id}/delete"), "GET, HEAD, POST"),
        (format!("/snapshots/restore/{id}"), "POST"),
        ("/logout".to_owned(), "POST"),
    ] {
        let answer = client.call(Method::PUT, &path).send();
        assert_eq!((answer.status, answer.header("Allow")), (405, allowed), "{path}");
        for method in allowed.split(", ") {
            let method: Method = method.parse().expect("a method");
            assert_ne!(client.call(method, &path).send().status, 405, "{path}");
        }
    }
    assert_eq!(client.get("/nowhere").header("Allow"), "");
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(repository(path)).expect(path)
}

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources(folder));
    files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .chain(below)
        .collect()
}

#[test]
fn the_public_modules_are_those_that_the_crate_lists() {
    let library = text("src/lib.rs");
    let module = |line: &str| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned());
    let mut public: Vec<String> = library.lines().filter_map(module).collect();
    let listed = library.lines().filter_map(|line| line.strip_prefix("//! | [`"));
    let mut listed: Vec<String> =
        listed.filter_map(|line| Some(line.split_once('`')?.0.to_owned())).collect();
    // For the fuzzer alone, and not documented.
    listed.push("fuzzing".to_owned());
    public.sort();
    listed.sort();
    assert_eq!(public, listed);
    for file in sources(&repository("src")) {
        if file != repository("src/lib.rs") {
            let source = std::fs::read_to_string(&file).expect("a source");
            let nested = source.lines().find(|line| line.trim_start().starts_with("pub mod "));
            assert_eq!(nested, None, "{}: what is public in it leaks", file.display());
        }
    }
}

#[test]
fn the_oldest_rust_is_the_same_wherever_it_is_named() {
    let manifest = text("Cargo.toml");
    let oldest = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \""));
    let oldest = oldest.and_then(|rest| rest.strip_suffix('"')).expect("rust-version");
    let words = text("README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("Rust {oldest} or later")), "{oldest}");
    assert!(text("assets/deploy/Containerfile").contains(&format!("/rust:{oldest}-")), "{oldest}");
    assert!(manifest.contains("incompatible_msrv = \"warn\""));
    let compiler = Command::new("rustc").arg("--version").output().expect("rustc runs");
    let compiler = String::from_utf8_lossy(&compiler.stdout).into_owned();
    let version = |text: &str| -> Vec<u32> {
        text.split('.').take(2).filter_map(|part| part.parse().ok()).collect()
    };
    let own = compiler.split(' ').nth(1).map(version);
    assert!(own.is_some_and(|own| own >= version(oldest)), "{compiler}");
}

/// Copies a file or a folder.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder is made");
    if from.is_dir() {
        for entry in std::fs::read_dir(from).expect("a folder") {
            let entry = entry.expect("a file");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).expect("a copy");
    }
}

/// A folder with everything that a stage of the recipe copies from here.
fn copied(stage: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for line in stage.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let mut paths: Vec<&str> = line.split(' ').collect();
        let to = paths.pop().expect("a place");
        for from in paths {
            let to = if to == "./" { folder.path().join(from) } else { folder.path().join(to) };
            copy(&repository(from), &to);
        }
    }
    folder
}

#[test]
fn an_image_is_built_from_what_is_copied_into_it() {
    let recipe = text("assets/deploy/Containerfile");
    let stage = recipe.split("\nFROM ").nth(1).expect("the stage that builds");
    let folder = copied(stage);
    let place = folder.path().canonicalize().expect("a folder");
    let compiler = Command::new("rustc").arg("-vV").output().expect("rustc runs").stdout;
    let compiler = String::from_utf8_lossy(&compiler).into_owned();
    let host = compiler.lines().find_map(|line| line.strip_prefix("host: ")).expect("a platform");
    // Cargo reads the package there as here, and without changing its lock.
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--filter-platform", host])
        .args(["--locked", "--offline", "--manifest-path"])
        .arg(folder.path().join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&cargo.stdout).expect("JSON");
    let root = metadata["resolve"]["root"].as_str().expect("the package itself");
    let packages = metadata["packages"].as_array().expect("packages");
    let own = packages.iter().find(|package| package["id"] == root).expect("the package itself");
    // The program is built twice: around nothing, for its dependencies, and then as it is. The files
    // that stand for nothing are those that cargo compiles, and count as new afterwards.
    let built = "&& cargo build --release --locked --bin snapback";
    let words = stage.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let [before, after] = words.split(" COPY src src ").collect::<Vec<_>>()[..] else {
        panic!("the sources are copied once: {stage}")
    };
    assert!(before.ends_with(built), "{before}");
    assert!(after.ends_with(built), "{after}");
    let mut roots: Vec<&str> = Vec::new();
    for target in own["targets"].as_array().expect("targets") {
        if target["name"] == "snapback" {
            let file = Path::new(target["src_path"].as_str().expect("a file"));
            assert!(file.exists(), "{}", file.display());
            roots.push(file.strip_prefix(&place).expect("in the folder").to_str().expect("text"));
        }
    }
    roots.sort_unstable();
    assert_eq!(roots, ["src/lib.rs", "src/main.rs"]);
    for file in roots {
        assert!(before.contains(file) && after.contains(file), "{file}");
    }
    assert!(
        recipe.contains("COPY --from=build /src/target/release/snapback /usr/local/bin/snapback")
    );
    // Whatever is built into the program is there too.
    for file in sources(&folder.path().join("src")) {
        let source = std::fs::read_to_string(&file).expect("a source");
        for part in source.split("include_").skip(1) {
            let call = part.split_once('!').and_then(|(_, rest)| rest.split(')').next());
            let Some(path) = call.and_then(|call| call.split('"').nth(1)) else { continue };
            // Assets are named from the package's folder.
            let beside = match path {
                "CARGO_MANIFEST_DIR" => folder.path().join("assets/app.css"),
                path => file.parent().expect("a folder").join(path),
            };
            let of_tests = file.ends_with("cli/tests.rs");
            assert!(of_tests || beside.exists(), "{}", beside.display());
        }
    }
}
