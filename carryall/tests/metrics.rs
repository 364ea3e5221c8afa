//! What an application's metrics are told.

mod common;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use carryall::{KeyRing, MemoryStore, Session};
use common::house::Home;
use common::lab::{Lab, Tab};
use common::nodes::nodes_in_memory;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// What was counted since the last look, by name and labels; of histograms how often.
fn counted(snapshotter: &Snapshotter) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
        let name = key.name().trim_start_matches("carryall_").to_owned() + &labels.collect::<String>();
        let count = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Gauge(gauge) => panic!("{name} is a gauge: {gauge}"),
            DebugValue::Histogram(times) => {
                assert!(times.iter().all(|time| (0.0..60.0).contains(&time.0)), "{name}: {times:?}");
                times.len() as u64
            }
        };
        if count > 0 {
            found.insert(name, count);
        }
    }
    found
}

fn are<const N: usize>(expected: [(&str, u64); N]) -> BTreeMap<String, u64> {
    expected.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

fn measured<F: Future<Output = ()>>(test: impl FnOnce(Snapshotter) -> F) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(test(snapshotter)));
}

async fn write(tab: &mut Tab) {
    tab.visit(|session| session.set("value", &2)).await.ok();
}

#[test]
fn loads_and_commits_and_how_long_the_store_took_are_counted() {
    measured(|snapshotter| async move {
        let lab = Lab::new(Home::Store);
        let mut tab = lab.tab();
        write(&mut tab).await;
        let expected = are([
            ("commits_total outcome=committed", 1),
            ("created_total", 1),
            ("loads_total outcome=none", 1),
            ("store_seconds operation=commit outcome=ok", 1),
        ]);
        assert_eq!(counted(&snapshotter), expected);
        tab.visit(|session| session.get::<u64>("value")).await.ok();
        let first_return = ("store_seconds operation=touch outcome=ok", 1);
        let load = ("store_seconds operation=load outcome=ok", 1);
        assert_eq!(counted(&snapshotter), are([("loads_total outcome=live", 1), load, first_return]));
        tab.visit(Session::logout).await.ok();
        let expected = are([
            ("ended_total end=Logout", 1),
            ("loads_total outcome=live", 1),
            load,
            ("store_seconds operation=remove outcome=ok", 1),
            ("store_seconds operation=revoke outcome=ok", 1),
        ]);
        assert_eq!(counted(&snapshotter), expected);
    });
}

#[test]
fn sessions_in_cookies_are_counted_too() {
    measured(|snapshotter| async move {
        let lab = Lab::new(Home::Sealed);
        let mut tab = lab.tab();
        write(&mut tab).await;
        let begun = [("created_total", 1), ("loads_total outcome=none", 1)];
        assert_eq!(counted(&snapshotter), are([("commits_total outcome=committed", 1), begun[0], begun[1]]));
        tab.visit(|session| session.get::<u64>("value")).await.ok();
        assert_eq!(counted(&snapshotter), are([("loads_total outcome=live", 1)]));
        tab.cookie = Some("nonsense".to_owned());
        tab.visit(|_| Ok(())).await.ok();
        let refused = ("refused_total reason=Malformed", 1);
        assert_eq!(counted(&snapshotter), are([("loads_total outcome=refused", 1), refused]));
    });
}

#[test]
fn conflicts_and_what_came_of_them_are_told_apart() {
    measured(|snapshotter| async move {
        let nodes = nodes_in_memory(2);
        let tab = nodes[0].user("ada").await;
        let mut other = tab.clone();
        counted(&snapshotter);
        let late = tab.peek(|session| async move {
            write(&mut other).await;
            session.set("else", &1)
        });
        late.await.ok();
        let seen = counted(&snapshotter);
        assert_eq!((seen["conflicts_total"], seen["replays_total"]), (1, 1));
        assert_eq!(seen["commits_total outcome=committed"], 2);
        let mut other = tab.clone();
        let late = tab.peek(|session| async move {
            let seen: u64 = session.get("value")?.unwrap_or(0);
            other.visit(|session| session.set("value", &7)).await.ok();
            session.set("value", &(seen + 1))
        });
        assert_eq!(late.await.status, StatusCode::CONFLICT);
        let seen = counted(&snapshotter);
        assert_eq!((seen["conflicts_total"], seen.get("replays_total")), (1, None));
        assert_eq!(seen["commits_total outcome=conflict"], 1);
    });
}

#[test]
fn outages_are_counted_by_what_failed() {
    measured(|snapshotter| async move {
        let lab = Lab::new(Home::Store);
        let mut tab = lab.visitor().await;
        counted(&snapshotter);
        lab.store.set_down(true);
        assert_eq!(tab.visit(|_| Ok(())).await.status, StatusCode::SERVICE_UNAVAILABLE);
        let expected = are([
            ("loads_total outcome=outage", 1),
            ("outages_total during=load", 1),
            ("store_seconds operation=load outcome=error", 1),
        ]);
        assert_eq!(counted(&snapshotter), expected);
        lab.store.set_down(false);
        lab.store.set_failing("C");
        assert_eq!(
            tab.visit(|session| session.set("value", &5)).await.status,
            StatusCode::SERVICE_UNAVAILABLE
        );
        let seen = counted(&snapshotter);
        assert_eq!(seen["commits_total outcome=outage"], 1);
        assert_eq!(seen["outages_total during=commit"], 1);
    });
}

#[test]
fn a_store_that_answers_at_once_is_counted_as_well() {
    measured(|snapshotter| async move {
        let lab = Lab::with_keys(Home::Store, KeyRing::random().unwrap(), |builder| {
            builder.store(MemoryStore::new())
        });
        let mut tab = lab.visitor().await;
        let seen = counted(&snapshotter);
        assert_eq!((seen["commits_total outcome=committed"], seen["created_total"]), (1, 1));
        write(&mut tab).await;
        let seen = counted(&snapshotter);
        assert_eq!(seen["commits_total outcome=committed"], 1);
        assert_eq!(seen["loads_total outcome=live"], 1);
    });
}
