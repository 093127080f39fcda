//! The one runtime behind the blocking calls of every store.

use std::future::Future;
use std::io;
use std::sync::{OnceLock, mpsc};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Result};

/// Made at first use and never dropped: a runtime must not be dropped on an async thread, and
/// nobody can tell on which thread the last store goes.
static RUNTIME: OnceLock<io::Result<Runtime>> = OnceLock::new();

fn handle() -> Result<&'static Handle> {
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread().worker_threads(2).thread_name("store").enable_all().build()
    });
    match runtime {
        Ok(runtime) => Ok(runtime.handle()),
        Err(error) => Err(Error::failed("the threads of the store could not be started")
            .because(error.to_string())
            .hint("look at the limits on threads and memory of this process")),
    }
}

/// Runs a future to its end on the calling thread, the runtime driving what it waits for. Tokio's
/// own way panics where a caller breaks the rule and blocks an async thread; this one only blocks.
pub(super) fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let _runtime = handle()?.enter();
    Ok(futures_executor::block_on(future))
}

/// Starts a future on the runtime's own threads, and leaves it to them.
pub(super) fn spawn<F>(future: F) -> Result<tokio::task::JoinHandle<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Ok(handle()?.spawn(future))
}

/// Runs a future to its end on the runtime's own threads, from whatever thread: for a `Drop`,
/// which cannot choose where it happens.
pub(super) fn block_anywhere(future: impl Future<Output = ()> + Send + 'static) {
    let Ok(handle) = handle() else { return };
    let (done, wait) = mpsc::channel();
    handle.spawn(async move {
        future.await;
        let _ = done.send(());
    });
    // An error means that the future panicked: there is nobody to wait for any more.
    let _ = wait.recv();
}
