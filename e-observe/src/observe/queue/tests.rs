use super::LINES;
use super::Queue;
use crate::observe::metrics::METRICS;
use std::sync::PoisonError;
use tracing::debug;
use tracing::info;
use tracing::level_filters::LevelFilter;

/// Nobody writes the queue out here, so it fills up.
#[test]
fn what_matters_finds_room_in_a_full_queue() {
    let subscriber = tracing_subscriber::fmt().with_writer(Queue);
    let subscriber = subscriber.with_max_level(LevelFilter::DEBUG).finish();
    let dropped = || METRICS.dropped.get([]).get();
    tracing::subscriber::with_default(subscriber, || {
        while dropped() == 0 {
            debug!("short");
        }
        info!("longer than a line that found no room");
    });
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let told = String::from_utf8_lossy(&lines.queued);
    assert!(told.ends_with("found no room\n"), "the last line is lost");
    assert_eq!(dropped(), 1, "of the others, the first is dropped");
}
