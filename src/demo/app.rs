//! The application that the demo pretends to run: an event log, and read models derived from it.
//!
//! It plays somebody else's program, so it opens a connection of its own. Nothing of Snapback is
//! used here, and Snapback knows nothing of it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};

/// Something that happened in the application; its payload is what the log keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload", rename_all = "snake_case")]
pub(super) enum Event {
    BotCreated { bot: i64, name: String, topic: String, persona: String },
    BotPersonaEdited { bot: i64, persona: String },
    ChatCreated { chat: i64, bot: i64, title: String },
    ChatRenamed { chat: i64, title: String },
    MessagePosted { message: i64, chat: i64, author: Author, body: String },
    MessageEdited { message: i64, body: String },
    MessageRemoved { message: i64 },
    MemoryPinned { memory: i64, bot: i64, message: i64, text: String, weight: f64 },
    MemoryForgotten { memory: i64 },
    SettingChanged { name: String, value: String },
    TagAdded { chat: i64, tag: String },
    TagRemoved { chat: i64, tag: String },
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Author {
    User,
    Bot,
}

impl Author {
    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Bot => "bot",
        }
    }
}

/// Opens the application's database, making it when it is not there.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        connection.execute_batch(&format!("BEGIN; {} COMMIT;", include_str!("schema.sql")))?;
    }
    Ok(connection)
}

/// Appends an event to the log and brings the read models up to it.
pub(super) fn record(tx: &Transaction<'_>, at: &str, event: &Event) -> rusqlite::Result<()> {
    let said = serde_json::to_value(event)
        .map_err(|source| rusqlite::Error::ToSqlConversionFailure(source.into()))?;
    tx.prepare_cached("INSERT INTO event_log (created_at, event_type, payload) VALUES (?, ?, ?)")?
        .execute(params![at, said["type"].as_str(), said["payload"].to_string()])?;
    apply(tx, at, event)
}

/// Derives the read models' change from one event.
fn apply(tx: &Transaction<'_>, at: &str, event: &Event) -> rusqlite::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        tx.prepare_cached(sql)?.execute(values).map(drop)
    };
    match event {
        Event::BotCreated { bot, name, topic, persona } => run(
            "INSERT INTO bots (id, name, topic, persona, created_at) VALUES (?, ?, ?, ?, ?)",
            params![bot, name, topic, persona, at],
        ),
        Event::BotPersonaEdited { bot, persona } => {
            run("UPDATE bots SET persona = ? WHERE id = ?", params![persona, bot])
        }
        Event::ChatCreated { chat, bot, title } => run(
            "INSERT INTO chats (id, bot_id, title, created_at, last_message_at)
             VALUES (?1, ?2, ?3, ?4, ?4)",
            params![chat, bot, title, at],
        ),
        Event::ChatRenamed { chat, title } => {
            run("UPDATE chats SET title = ? WHERE id = ?", params![title, chat])
        }
        Event::MessagePosted { message, chat, author, body } => {
            run(
                "INSERT INTO messages (id, chat_id, author, body, sent_at) VALUES (?, ?, ?, ?, ?)",
                params![message, chat, author.name(), body, at],
            )?;
            run(
                "UPDATE chats SET messages = messages + 1, last_message_at = ? WHERE id = ?",
                params![at, chat],
            )
        }
        Event::MessageEdited { message, body } => run(
            "UPDATE messages SET body = ?, edited_at = ? WHERE id = ?",
            params![body, at, message],
        ),
        Event::MessageRemoved { message } => {
            run(
                "UPDATE chats SET messages = messages - 1
                 WHERE id = (SELECT chat_id FROM messages WHERE id = ?)",
                params![message],
            )?;
            run("DELETE FROM messages WHERE id = ?", params![message])
        }
        Event::MemoryPinned { memory, bot, message, text, weight } => run(
            "INSERT INTO memories (id, bot_id, message_id, text, weight, pinned_at)
             VALUES (?, ?, ?, ?, ?, ?)",
            params![memory, bot, message, text, weight, at],
        ),
        Event::MemoryForgotten { memory } => {
            run("DELETE FROM memories WHERE id = ?", params![memory])
        }
        Event::SettingChanged { name, value } => run(
            "INSERT INTO settings (name, value, changed_at) VALUES (?, ?, ?)
             ON CONFLICT (name) DO UPDATE
                 SET value = excluded.value, changed_at = excluded.changed_at",
            params![name, value, at],
        ),
        Event::TagAdded { chat, tag } => {
            run("INSERT OR IGNORE INTO tags (chat_id, tag) VALUES (?, ?)", params![chat, tag])
        }
        Event::TagRemoved { chat, tag } => {
            run("DELETE FROM tags WHERE chat_id = ? AND tag = ?", params![chat, tag])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_the_type_and_the_payload_of_an_event() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut app = open(&folder.path().join("chat.db")).expect("a database");
        let tx = app.transaction().expect("a transaction");
        let event = Event::SettingChanged { name: "theme".into(), value: "dark".into() };
        record(&tx, "2026-11-22T20:04:46Z", &event).expect("recorded");
        let logged: (String, String) = tx
            .query_row("SELECT event_type, payload FROM event_log", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .expect("an event");
        assert_eq!(logged.0, "setting_changed");
        assert_eq!(logged.1, r#"{"name":"theme","value":"dark"}"#);
    }

    #[test]
    fn search_follows_an_edit() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut app = open(&folder.path().join("chat.db")).expect("a database");
        let tx = app.transaction().expect("a transaction");
        let said = |text: &str| text.to_owned();
        let story = [
            Event::BotCreated {
                bot: 1,
                name: said("Ada"),
                topic: said("code"),
                persona: said("brief"),
            },
            Event::ChatCreated { chat: 1, bot: 1, title: said("hello") },
            Event::MessagePosted { message: 1, chat: 1, author: Author::User, body: said("pears") },
            Event::MessageEdited { message: 1, body: said("apples") },
        ];
        for event in &story {
            record(&tx, "2026-11-22T20:04:46Z", event).expect("recorded");
        }
        let found = |word: &str| -> i64 {
            tx.query_row(
                "SELECT count(*) FROM message_search WHERE message_search MATCH ?",
                [word],
                |row| row.get(0),
            )
            .expect("a count")
        };
        assert_eq!((found("pears"), found("apples")), (0, 1));
    }
}
