//! What machines ask: liveness, and numbers.

use super::forms::Form;
use super::scene::Scene;

#[test]
fn liveness_is_plain_text_for_everybody() {
    let scene = Scene::new();
    for form in Form::ALL {
        let answer = scene.client.read("/healthz", form);
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok\n"));
        assert_eq!(answer.header("Content-Type"), "text/plain; charset=utf-8");
    }
}

#[test]
fn the_numbers_are_in_the_text_format_of_prometheus() {
    let scene = Scene::new();
    scene.damage();
    let answer = scene.client.get("/metrics");
    assert_eq!(answer.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text();
    for line in [
        "snapback_snapshots{kind=\"periodic\"} 2",
        "snapback_snapshots{kind=\"rewind\"} 0",
        "snapback_snapshots_damaged{kind=\"periodic\"} 1",
        "snapback_event_position 50",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} in {text}");
    }
}
