//! A chat application's database of any size, the same for the same size.
//!
//! It plays the application, so it opens its own connection. A row takes about 250 bytes: 530 MB are
//! about 2.1 million rows, half of them events.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Result, Transaction, params};

/// What a row takes in the file, its share of indexes and pages included.
const ROW_BYTES: i64 = 250;
/// One row in so many is a memory, the rest are messages and events in equal parts.
const MEMORY_EVERY: i64 = 25;
const MESSAGES_PER_CHAT: i64 = 200;
const CHATS_PER_BOT: i64 = 50;
/// The moment of the first event, in unix seconds.
const BEGIN: i64 = 1_760_000_000;

/// The tables that are derived from the event log, parents first.
pub const PROJECTIONS: [&str; 4] = ["bots", "chats", "messages", "memories"];

const SCHEMA: &str = "
    CREATE TABLE event_log (
        id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL, event_type TEXT NOT NULL,
        payload TEXT NOT NULL);
    CREATE TABLE bots (id INTEGER PRIMARY KEY, name TEXT NOT NULL, persona TEXT NOT NULL);
    CREATE TABLE chats (
        id INTEGER PRIMARY KEY, bot_id INTEGER NOT NULL REFERENCES bots (id),
        title TEXT NOT NULL);
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY, chat_id INTEGER NOT NULL REFERENCES chats (id),
        author TEXT NOT NULL, body TEXT NOT NULL, sent_at INTEGER NOT NULL);
    CREATE INDEX messages_of_chat ON messages (chat_id);
    CREATE TABLE memories (
        id INTEGER PRIMARY KEY, bot_id INTEGER NOT NULL REFERENCES bots (id),
        weight REAL NOT NULL, text TEXT NOT NULL);
";

const WORDS: [&str; 64] = [
    "again",
    "air",
    "answer",
    "apple",
    "autumn",
    "balcony",
    "bread",
    "bridge",
    "broken",
    "candle",
    "careful",
    "chapter",
    "cloud",
    "corner",
    "quietly",
    "early",
    "evening",
    "every",
    "favourite",
    "garden",
    "gentle",
    "glass",
    "harbour",
    "honest",
    "idea",
    "island",
    "journey",
    "kitchen",
    "ladder",
    "late",
    "letter",
    "little",
    "lemon",
    "market",
    "memory",
    "minute",
    "morning",
    "museum",
    "music",
    "narrow",
    "neighbour",
    "never",
    "number",
    "orange",
    "paper",
    "pattern",
    "pepper",
    "question",
    "rain",
    "river",
    "salt",
    "second",
    "simple",
    "slow",
    "station",
    "story",
    "summer",
    "table",
    "tram",
    "under",
    "village",
    "winter",
    "window",
    "yellow",
];

/// Writes a new database of about so many million bytes, in WAL mode, and tells its rows.
pub fn generate(path: &Path, megabytes: i64) -> Result<i64> {
    let mut connection = Connection::open(path)?;
    // A half-written file is thrown away by the caller: no need to be able to roll back.
    connection.pragma_update(None, "journal_mode", "off")?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.execute_batch(SCHEMA)?;
    let rows = megabytes * 1_000_000 / ROW_BYTES;
    let memories = rows / MEMORY_EVERY;
    let messages = (rows - memories) / 2;
    let tx = connection.transaction()?;
    parents(&tx, messages)?;
    for message in 1..=messages {
        post(&tx, message, message / MESSAGES_PER_CHAT + 1, message)?;
    }
    let mut memory =
        tx.prepare("INSERT INTO memories (id, bot_id, weight, text) VALUES (?, ?, ?, ?)")?;
    let bots = bots(messages);
    for id in 1..=memories {
        let weight = f64::from(i32::try_from(id % 997).unwrap_or_default()) / 997.0;
        memory.execute(params![id, id % bots + 1, weight, text(id ^ 0xA5A5, 190)])?;
    }
    drop(memory);
    tx.commit()?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    Ok(rows)
}

fn bots(messages: i64) -> i64 {
    messages / MESSAGES_PER_CHAT / CHATS_PER_BOT + 1
}

fn parents(tx: &Transaction<'_>, messages: i64) -> Result<()> {
    let mut bot = tx.prepare("INSERT INTO bots (id, name, persona) VALUES (?, ?, ?)")?;
    for id in 1..=bots(messages) {
        bot.execute(params![id, format!("bot {id}"), text(id, 400)])?;
    }
    let mut chat = tx.prepare("INSERT INTO chats (id, bot_id, title) VALUES (?, ?, ?)")?;
    for id in 1..=messages / MESSAGES_PER_CHAT + 1 {
        chat.execute(params![id, (id - 1) / CHATS_PER_BOT + 1, text(id, 30)])?;
    }
    Ok(())
}

/// One message and its event; `seed` tells the text.
fn post(tx: &Transaction<'_>, message: i64, chat: i64, seed: i64) -> Result<()> {
    let author = if message % 2 == 0 { "bot" } else { "user" };
    let body = text(seed, 190);
    let at = BEGIN + message;
    let payload = format!("{{\"message\":{message},\"chat\":{chat},\"body\":\"{body}\"}}");
    tx.prepare_cached("INSERT INTO event_log (created_at, event_type, payload) VALUES (?, ?, ?)")?
        .execute(params![at, "message_posted", payload])?;
    tx.prepare_cached(
        "INSERT INTO messages (id, chat_id, author, body, sent_at) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![message, chat, author, body, at])?;
    Ok(())
}

/// Changes one row in a thousand, scattered over the whole of the messages and memories; in ten
/// changes one is a deletion and one a new message. Every change appends an event. Tells how many.
pub fn drift(path: &Path, round: i64) -> Result<i64> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_mins(1))?;
    let tx = connection.transaction()?;
    let mut changes = 0;
    for table in ["messages", "memories"] {
        let column = if table == "messages" { "body" } else { "text" };
        let greatest: i64 =
            tx.query_row(&format!("SELECT coalesce(max(id), 0) FROM {table}"), [], |row| {
                row.get(0)
            })?;
        // A step that is no power of two or ten, and a start that moves with the round.
        let mut id = round * 37 % 991 + 1;
        while id <= greatest {
            changes += 1;
            let seed = id ^ (round << 40) ^ 0x5A5A;
            match changes % 10 {
                0 => drop(tx.execute(&format!("DELETE FROM {table} WHERE id = ?"), [id])?),
                1 if table == "messages" => append(&tx, seed)?,
                _ => {
                    let sql = format!("UPDATE {table} SET {column} = ? WHERE id = ?");
                    tx.prepare_cached(&sql)?.execute(params![text(seed, 190), id])?;
                }
            }
            tx.prepare_cached(
                "INSERT INTO event_log (created_at, event_type, payload) VALUES (?, ?, ?)",
            )?
            .execute(params![
                BEGIN + id,
                "row_changed",
                format!("{{\"table\":\"{table}\",\"id\":{id},\"text\":\"{}\"}}", text(seed, 150))
            ])?;
            id += 991;
        }
    }
    tx.commit()?;
    Ok(changes)
}

fn append(tx: &Transaction<'_>, seed: i64) -> Result<()> {
    let last: Option<(i64, i64)> = tx
        .query_row("SELECT id, chat_id FROM messages ORDER BY id DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (message, chat) = last.map_or((1, 1), |(id, chat)| (id + 1, chat));
    post(tx, message, chat, seed)
}

/// Words for about so many bytes, the same for the same seed.
fn text(seed: i64, bytes: usize) -> String {
    let mut state = seed.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(WORDS[usize::try_from(state >> 58).unwrap_or_default()]);
        text.push(' ');
    }
    text
}
