//! Listens, says so, serves until it is told to stop.

use std::io::{ErrorKind, IsTerminal as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::app::router;
use crate::failure::Failure;
use crate::options::Options;
use crate::setup::Setup;
use crate::span;

/// How long requests under way may take once the demo was told to stop.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often expired sessions are removed from the store.
const SWEEPS: Duration = Duration::from_mins(1);

/// Serves until Ctrl-C or a termination signal; requests under way are finished, unless they
/// take longer than three seconds.
///
/// # Errors
/// One line if an option cannot be put into effect or the port is busy.
pub fn serve(options: &Options) -> Result<(), Failure> {
    log();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::machine(format!("cannot start: {error}")))?
        .block_on(async { listen(Arc::new(Setup::new(options).await?)).await })
}

/// What sessions go through is told on standard error, one event a line.
fn log() {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let what = Targets::new().with_target("carryall", LevelFilter::DEBUG).with_default(LevelFilter::WARN);
    // Fails only if a subscriber is set already, which then takes the events.
    let _ = tracing_subscriber::registry().with(lines).with(what).try_init();
}

async fn listen(setup: Arc<Setup>) -> Result<(), Failure> {
    let wanted = &setup.options.listen;
    let failed = |error: std::io::Error| {
        let message = format!("cannot listen on {wanted}: {error}; choose another address with --listen");
        if error.kind() == ErrorKind::InvalidInput {
            Failure::option(message)
        } else {
            Failure::machine(message)
        }
    };
    let router = router(&setup)?;
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    announce(&setup, listener.local_addr().map_err(failed)?);
    let sweeping = setup.sessions.sweep_every(SWEEPS);
    let _sweeping = sweeping.map_err(|error| Failure::machine(error.to_string()))?;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(told_to_stop()).into_future();
    tokio::select! {
        done = serving => done.map_err(|error| Failure::machine(format!("stopped: {error}"))),
        () = out_of_patience() => Ok(()),
    }
}

/// A connection that never finishes its request must not keep the process.
async fn out_of_patience() {
    told_to_stop().await;
    tokio::time::sleep(PATIENCE).await;
}

fn announce(setup: &Setup, address: SocketAddr) {
    let options = &setup.options;
    println!("Carryall demo on http://{address}/");
    println!("  sessions are {}", setup.home());
    println!(
        "  they end {} after the last use, {} after they began",
        span::text(options.idle()),
        span::text(options.absolute())
    );
    println!("  {}", setup.keys());
    if options.plain_http {
        println!("  the cookie has no Secure attribute: for this machine only");
    }
    println!("Ctrl-C stops it.");
}

async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    // Without the handler there is nothing to wait for, and stopping at once would be wrong.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
