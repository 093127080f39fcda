//! Passwords, sessions and tokens, over the console's routes.

use std::sync::LazyLock;

use poem::http::Method;
use snapback::web::{Access, Options, PasswordHash, Token};

use crate::app::App;
use crate::client::{Answer, Client, patient};

const PASSWORD: &str = "correct horse";

static HASH: LazyLock<PasswordHash> = LazyLock::new(|| PasswordHash::of(PASSWORD).expect("a hash"));

fn guarded(app: &App) -> Client {
    client(app, Access { password: Some(HASH.clone()), ..Access::default() })
}

fn client(app: &App, access: Access) -> Client {
    app.client_with(Options { access, ..patient() })
}

/// The cookie that an answer leaves, as the browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("Set-Cookie").split(';').next().unwrap_or_default().to_owned()
}

/// Logs in; the answer is the cookie of the session.
fn log_in(client: &Client, name: &str) -> String {
    let answer = client.post("/login", &[("password", PASSWORD), ("name", name)]);
    assert_eq!((answer.status, answer.header("Location")), (303, "/snapshots"));
    cookie(&answer)
}

fn status_with(client: &Client, cookie: &str, path: &str) -> u16 {
    client.call(Method::GET, path).header("Cookie", cookie).send().status
}

#[test]
fn without_a_session_nothing_is_told_in_any_form() {
    let app = App::new().with_events(3);
    let id = app.take("secret note").id.to_string();
    let client = guarded(&app);
    let paths = [
        "/".to_owned(),
        "/snapshots".to_owned(),
        format!("/snapshots/{id}/preview?kind=periodic"),
        format!("/snapshots/{id}/export?kind=periodic"),
        "/history".to_owned(),
        "/metrics".to_owned(),
        "/nowhere".to_owned(),
    ];
    for path in &paths {
        let page = client.get(path);
        assert_eq!(page.status, 401, "{path}");
        let text = page.text();
        assert!(text.contains("id=\"login-form\""), "{path}: {text}");
        assert!(!text.contains("app.db") && !text.contains("secret note"), "{path}: {text}");
        let fragment = client.call(Method::GET, path).by_htmx().send();
        assert_eq!(fragment.status, 401, "{path}");
        assert!(fragment.text().contains("href=\"/login\""), "{path}: {}", fragment.text());
        let told = client.call(Method::GET, path).wants_json().send();
        assert_eq!(told.status, 401, "{path}");
        assert_eq!(told.header("WWW-Authenticate"), "Bearer realm=\"Snapback\"");
        assert_eq!(told.json()["error"]["what"], "this console is not open to everyone");
    }
    let before = app.listed();
    let taken = client.post("/snapshots/take", &[("note", "by a stranger")]);
    assert_eq!(taken.status, 401);
    assert_eq!(app.listed(), before);
    assert_eq!(client.get("/healthz").status, 200);
}

#[test]
fn the_password_opens_a_session_that_the_history_names() {
    let app = App::new().with_events(3);
    let client = guarded(&app);
    let session = log_in(&client, "ann");
    let taken = client
        .call(Method::POST, "/snapshots/take")
        .header("Cookie", &session)
        .form(&[("note", "")])
        .send();
    assert_eq!(taken.status, 303);
    let history = client.call(Method::GET, "/history").header("Cookie", &session).wants_json();
    assert!(history.send().text().contains("\"by\":\"ann\""));
    let page = client.call(Method::GET, "/snapshots").header("Cookie", &session).send().text();
    assert!(page.contains("id=\"logout\""), "{page}");
}

#[test]
fn a_login_leads_back_to_what_was_asked_for() {
    let app = App::new();
    let client = guarded(&app);
    let page = client.get("/history?from=here").text();
    assert!(page.contains("name=\"next\" value=\"/history?from=here\""), "{page}");
    let fields = [("password", PASSWORD), ("next", "/history?from=here")];
    assert_eq!(client.post("/login", &fields).header("Location"), "/history?from=here");
    let elsewhere = [("password", PASSWORD), ("next", "//evil.example/")];
    assert_eq!(client.post("/login", &elsewhere).header("Location"), "/snapshots");
}

#[test]
fn logging_in_again_and_logging_out_end_the_session_before() {
    let app = App::new();
    let client = guarded(&app);
    let first = log_in(&client, "ann");
    let again = client
        .call(Method::POST, "/login")
        .header("Cookie", &first)
        .form(&[("password", PASSWORD)])
        .send();
    let second = cookie(&again);
    assert_ne!(first, second);
    assert_eq!(status_with(&client, &first, "/snapshots"), 401);
    assert_eq!(status_with(&client, &second, "/snapshots"), 200);
    let left = client.call(Method::POST, "/logout").header("Cookie", &second).form(&[]).send();
    assert_eq!((left.status, left.header("Location")), (303, "/login"));
    assert!(left.header("Set-Cookie").contains("Max-Age=0"));
    assert_eq!(status_with(&client, &second, "/snapshots"), 401);
}

#[test]
fn a_wrong_password_is_said_and_too_many_are_put_off() {
    let app = App::new();
    let client = guarded(&app);
    let guess = || client.post("/login", &[("password", "a guess"), ("name", "ann")]);
    for _ in 0..3 {
        let answer = guess();
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("Set-Cookie"), "");
        assert!(answer.text().contains("name=\"name\" value=\"ann\""), "{}", answer.text());
        assert!(!answer.text().contains("a guess"));
    }
    // The delay rises until it is longer than a test can take between two tries.
    let put_off = (0..10).any(|_| guess().status == 429);
    assert!(put_off, "ten more guesses and no delay");
    let form = [("password", PASSWORD)];
    let put_off = client.call(Method::POST, "/login").wants_json().form(&form).send();
    assert_eq!(put_off.status, 429, "even the right one waits");
    assert!(put_off.header("Retry-After").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    assert_eq!(put_off.json()["error"]["what"], "there were too many wrong passwords");
}

#[test]
fn a_login_form_of_another_site_is_refused() {
    let client = guarded(&App::new());
    let answer = client
        .bare(Method::POST, "/login")
        .header("Host", "localhost")
        .header("Sec-Fetch-Site", "cross-site")
        .form(&[("password", PASSWORD)])
        .send();
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("Set-Cookie"), "");
}

#[test]
fn behind_tls_the_session_is_bound_to_it() {
    let access = Access { password: Some(HASH.clone()), behind_tls: true, ..Access::default() };
    let client = client(&App::new(), access);
    let answer = client.post("/login", &[("password", PASSWORD)]);
    let set = answer.header("Set-Cookie");
    assert!(set.starts_with("__Host-snapback-session="), "{set}");
    assert!(set.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"), "{set}");
    assert_eq!(status_with(&client, &cookie(&answer), "/snapshots"), 200);
}

#[test]
fn a_script_with_a_token_needs_no_page_to_come_from() {
    let app = App::new().with_events(3);
    let token = Token::new("nightly").expect("a token");
    let access = Access { tokens: vec![token.hash().clone()], ..Access::default() };
    let client = client(&app, access);
    let take = |bearer: &str| {
        client
            .bare(Method::POST, "/snapshots/take")
            .header("Host", "localhost")
            .header("Accept", "application/json")
            .header("Authorization", bearer)
            .form(&[])
            .send()
    };
    assert_eq!(take(&format!("Bearer {}", token.text())).status, 201);
    let other = Token::new("nightly").expect("a token");
    for wrong in [other.text(), "", &token.hash().to_string()] {
        let answer = take(&format!("Bearer {wrong}"));
        assert!(matches!(answer.status, 401 | 403), "{answer:?}");
    }
    let page = client.get("/snapshots");
    assert_eq!(page.status, 401);
    assert!(!page.text().contains("login-form"), "there is no password to log in with");
    let newest = app.snapshots().history(1).expect("a history").remove(0);
    assert_eq!((newest.by.as_str(), newest.ok), ("nightly", true));
}

#[test]
fn another_host_learns_nothing_of_the_database() {
    let app = App::new();
    let answer = app.client().bare(Method::GET, "/snapshots").header("Host", "evil.example").send();
    assert_eq!(answer.status, 403);
    assert!(!answer.text().contains("app.db"), "{}", answer.text());
}
