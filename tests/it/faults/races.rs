//! Several at once on one store: threads, consoles, processes.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use snapback::snapshot::{Options, Retention, Scope, Snapshots};
use snapback::store::Store;

use super::process::Process;
use super::scene::{assert_all_sound, eager, try_console};
use crate::app::{App, BY, named, request};

const ROUNDS: usize = 100;

/// One more console on the application's store.
fn console(app: &App, options: Options) -> Snapshots {
    let store = Store::directory(&app.store_dir()).expect("a store");
    try_console(&app.db_path(), store, options).expect("a console")
}

#[test]
fn of_two_restores_at_once_each_is_whole() {
    let app = App::in_memory().with_events(30);
    let first = app.take("first");
    let state_of_first = app.state();
    app.events(20);
    let second = app.take("second");
    let state_of_second = app.state();
    let consoles = [console(&app, eager(0)), console(&app, eager(0))];
    for round in 0..ROUNDS {
        app.events(1);
        let targets = if round % 2 == 0 { [&first, &second] } else { [&second, &first] };
        let restored = thread::scope(|scope| {
            let threads: Vec<_> = consoles
                .iter()
                .zip(targets)
                .map(|(console, target)| {
                    scope.spawn(|| console.restore(&request(target, Scope::Rewind)))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
        });
        let rewinds: BTreeSet<_> = restored
            .into_iter()
            .map(|restored| restored.expect("a restore").rewind.to_string())
            .collect();
        // The later copy holds what the earlier restore made.
        let [earlier, later] = &rewinds.into_iter().collect::<Vec<_>>()[..] else {
            panic!("round {round}: one copy for two restores");
        };
        let last = app.state();
        let copied = consoles[0].entry(&named(later)).expect("a copy").last_event_id;
        assert_ne!(earlier, later);
        match copied {
            Some(30) => assert_eq!(last, state_of_second, "round {round}"),
            Some(50) => assert_eq!(last, state_of_first, "round {round}"),
            other => panic!("round {round}: a copy at {other:?}"),
        }
    }
    assert_all_sound(&app.snapshots(), "after two restores at once");
}

#[test]
fn takes_beside_prunes_without_grace_list_nothing_that_is_not_whole() {
    let app = App::in_memory().with_events(30);
    let (taking, pruning) = (console(&app, eager(2)), console(&app, eager(2)));
    let fresh = console(&app, eager(2));
    let mut taken = 0;
    for round in 0..ROUNDS {
        app.events(3);
        thread::scope(|scope| {
            let take = scope.spawn(|| taking.take(None, BY));
            for _ in 0..3 {
                pruning.prune(false, BY).expect("a prune");
            }
            match take.join().expect("no panic") {
                Ok(_) => taken += 1,
                Err(error) => assert!(
                    error.what().contains("were removed while it was taken"),
                    "round {round}: {error:?}"
                ),
            }
        });
        for console in [&taking, &pruning, &fresh] {
            assert_all_sound(console, &format!("round {round}"));
        }
    }
    assert!(taken > 0);
}

#[test]
fn two_consoles_and_the_command_line_share_a_store() {
    let app = App::in_memory().with_events(30);
    let options = Options { retention: Retention::last(3), ..Options::default() };
    let consoles = [console(&app, options.clone()), console(&app, options)];
    for round in 0..ROUNDS {
        app.events(5);
        let child = Process::start(&app, &["take", "--keep-last", "3"]);
        thread::scope(|scope| {
            for console in &consoles {
                scope.spawn(|| {
                    for _ in 0..3 {
                        console.take(None, BY).expect("a snapshot is taken");
                        console.list().expect("a list");
                    }
                });
            }
        });
        let output = child.wait();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for console in &consoles {
            assert_all_sound(console, &format!("round {round}"));
        }
    }
    let ids: BTreeSet<_> = app.listed().into_iter().collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

/// A take is held right before it writes its manifest: its chunks are in the store, and the store
/// is locked by somebody else. While it sleeps everything that nobody needs is pruned.
fn sleeps_through_a_prune(app: &App) {
    let console = console(app, eager(1));
    let store = Store::directory(&app.store_dir()).expect("a store");
    let before = app.packs().len();
    let lock = store.lock(Duration::from_secs(30)).expect("the lock");
    let child = Process::start(app, &["take"]);
    wait_until(|| app.packs().len() > before);
    child.stop();
    drop(lock);
    console.prune(false, BY).expect("a prune");
    child.wake();
    let output = child.wait();
    assert_all_sound(&console, "by the console that pruned");
    assert_all_sound(&app.reopen(), "by a new console");
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains("hint: "), "{error}");
    }
}

#[test]
fn a_take_that_slept_through_a_prune_notices() {
    let app = App::in_memory().with_events(200);
    app.take("older");
    for _ in 0..ROUNDS {
        app.events(40);
        sleeps_through_a_prune(&app);
    }
    // The last prune left one, and the last take made one.
    assert_eq!(app.listed().len(), 2);
}

fn wait_until(condition: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "it does not come");
        thread::yield_now();
    }
}
