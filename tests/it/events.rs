//! The application's own side: a log of events, and the read models that follow from it.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// The log, and read models that refer to one another.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE event_log(
        id INTEGER PRIMARY KEY, created_at TEXT NOT NULL, event_type TEXT NOT NULL, payload TEXT NOT NULL);
    CREATE TABLE bots(
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, messages INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE chats(
        id INTEGER PRIMARY KEY, bot_id INTEGER NOT NULL REFERENCES bots(id), title TEXT NOT NULL);
    CREATE TABLE messages(
        id INTEGER PRIMARY KEY,
        chat_id INTEGER NOT NULL REFERENCES chats(id) ON DELETE CASCADE,
        body TEXT NOT NULL,
        edits INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX messages_by_chat ON messages(chat_id);
    CREATE TABLE memories(
        bot_id INTEGER NOT NULL REFERENCES bots(id), topic TEXT NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY(bot_id, topic)) WITHOUT ROWID;";

/// Applies the next event: writes it to the log and carries it into the read models.
///
/// `bots.messages` counts the bot's rows of `messages`, so no state in between may be seen.
pub(crate) fn apply_event(connection: &mut Connection) -> rusqlite::Result<()> {
    next_event(connection).map(drop)
}

/// The same, and says at which position.
pub(crate) fn next_event(connection: &mut Connection) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0));
    let position = number("SELECT coalesce(max(id), 0) + 1 FROM event_log")?;
    let bot = number("SELECT coalesce(max(id), 0) FROM bots")?;
    let chat = number("SELECT coalesce(max(id), 0) FROM chats")?;
    let kind = match position {
        _ if bot == 0 || position % 50 == 0 => "bot_created",
        _ if chat == 0 || position % 10 == 0 => "chat_started",
        _ if position % 5 == 0 => "memory_noted",
        _ if position % 7 == 0 => "message_edited",
        _ => "message_sent",
    };
    transaction.execute(
        "INSERT INTO event_log VALUES(?1, datetime('2026-01-01', ?1 || ' seconds'), ?2, json_object('n', ?1))",
        (position, kind),
    )?;
    project(&transaction, kind, position, bot, chat)?;
    transaction.commit()?;
    Ok(position)
}

fn project(
    transaction: &Transaction<'_>,
    kind: &str,
    position: i64,
    bot: i64,
    chat: i64,
) -> rusqlite::Result<()> {
    match kind {
        "bot_created" => {
            transaction.execute("INSERT INTO bots(name) VALUES('bot ' || ?1)", [position])?
        }
        "chat_started" => transaction.execute(
            "INSERT INTO chats(bot_id, title) VALUES(?1, 'chat ' || ?2)",
            [bot, position],
        )?,
        "memory_noted" => transaction.execute(
            "INSERT OR REPLACE INTO memories VALUES(?1, 'topic ' || (?2 % 4), 'noted at ' || ?2)",
            [bot, position],
        )?,
        "message_edited" => transaction.execute(
            "UPDATE messages SET edits = edits + 1, body = body || '*'
             WHERE id = (SELECT max(id) FROM messages)",
            [],
        )?,
        _ => {
            transaction.execute(
                "INSERT INTO messages(chat_id, body) VALUES(?1, 'message ' || ?2)",
                [chat, position],
            )?;
            transaction.execute(
                "UPDATE bots SET messages = messages + 1
                 WHERE id = (SELECT bot_id FROM chats WHERE id = ?1)",
                [chat],
            )?
        }
    };
    Ok(())
}

/// Whether the read models agree with one another and with the log.
pub(crate) fn invariant_holds(connection: &Connection) -> bool {
    let sql = "SELECT (SELECT coalesce(sum(messages), 0) FROM bots) = (SELECT count(*) FROM messages)
        AND (SELECT count(*) FROM event_log WHERE event_type = 'message_sent') = (SELECT count(*) FROM messages)
        AND (SELECT count(*) FROM event_log WHERE event_type = 'bot_created') = (SELECT count(*) FROM bots)";
    connection.query_row(sql, [], |row| row.get(0)).expect("the invariant is asked")
}
