//! What an address answers to methods that it does not know.

use poem::http::Method;

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
