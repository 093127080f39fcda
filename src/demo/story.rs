//! What happens next in the demo: believable events, chosen from what is in its database.
//!
//! The database is asked every time, never a copy in memory: a restore may have changed it.

use rusqlite::{OptionalExtension, Transaction};

use super::app::{Author, Event};
use super::random::Random;
use super::words::{CLOSINGS, FACTS, OPENINGS, SETTINGS, TAGS, THANKS, TOPICS, Topic};

/// The events before anything can be said: the first bots, and the settings.
pub(super) fn opening() -> Vec<Event> {
    let bots = TOPICS.iter().zip(1..).take(6).map(|(topic, bot)| bot_created(bot, topic));
    let settings = SETTINGS.iter().map(|(name, values)| Event::SettingChanged {
        name: (*name).to_owned(),
        value: values[0].to_owned(),
    });
    bots.chain(settings).collect()
}

/// The next event.
pub(super) fn next(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Event> {
    let rare = match random.below(1000) {
        0..40 => memory_pinned(tx, random)?,
        40..52 => memory_forgotten(tx, random)?,
        52..80 => tag_added(tx, random)?,
        80..86 => tag_removed(tx, random)?,
        86..98 => chat_renamed(tx, random)?,
        98..106 => Some(setting_changed(random)),
        106..112 => persona_edited(tx, random)?,
        112..118 => message_edited(tx, random)?,
        118..122 => message_removed(tx, random)?,
        122..124 => bot_joins(tx)?,
        124..146 => chat_created(tx, random)?,
        _ => None,
    };
    match rare {
        Some(event) => Ok(event),
        None => posted_or_first_chat(tx, random),
    }
}

/// A blunder on a grand scale: what the demo's owner goes back to a snapshot for.
pub(super) fn blunder(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Event> {
    let event = match random.below(4) {
        0 => memory_forgotten(tx, random)?,
        1 => persona_of(tx, random, |_| "You are a helpful assistant.")?,
        2 => some(tx, random, "chats")?
            .map(|chat| Event::ChatRenamed { chat, title: "New chat".to_owned() }),
        _ => message_removed(tx, random)?,
    };
    Ok(event.unwrap_or_else(|| setting_changed(random)))
}

fn bot_created(bot: i64, topic: &Topic) -> Event {
    Event::BotCreated {
        bot,
        name: topic.bot.to_owned(),
        topic: topic.name.to_owned(),
        persona: topic.personas[0].to_owned(),
    }
}

/// The next bot that is not there yet.
fn bot_joins(tx: &Transaction<'_>) -> rusqlite::Result<Option<Event>> {
    let mut known = tx.prepare_cached("SELECT 1 FROM bots WHERE name = ?")?;
    for topic in &TOPICS {
        if !known.exists([topic.bot])? {
            drop(known);
            return Ok(Some(bot_created(free(tx, "bots")?, topic)));
        }
    }
    Ok(None)
}

fn chat_created(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Option<Event>> {
    let Some(bot) = some(tx, random, "bots")? else { return Ok(None) };
    let topic = topic_of(tx, bot)?;
    let chat = free(tx, "chats")?;
    let title = title(topic, thing_of(topic, chat), random);
    Ok(Some(Event::ChatCreated { chat, bot, title }))
}

fn chat_renamed(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Option<Event>> {
    let Some(Lively { chat, bot, .. }) = lively_chat(tx, random)? else { return Ok(None) };
    let topic = topic_of(tx, bot)?;
    let title = title(topic, thing_of(topic, chat), random);
    Ok(Some(Event::ChatRenamed { chat, title }))
}

fn posted_or_first_chat(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Event> {
    let Some(Lively { chat, bot, last }) = lively_chat(tx, random)? else {
        return Ok(chat_created(tx, random)?.unwrap_or_else(|| bot_created(1, &TOPICS[0])));
    };
    let topic = topic_of(tx, bot)?;
    let thing = thing_of(topic, chat);
    let (author, body) = match last {
        Some((author, said)) if author == "user" => {
            (Author::Bot, answer(topic, thing, &said, random))
        }
        _ => (Author::User, question(topic, thing, random)),
    };
    Ok(Event::MessagePosted { message: free(tx, "messages")?, chat, author, body })
}

fn message_edited(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Option<Event>> {
    let Some(message) = some(tx, random, "messages")? else { return Ok(None) };
    let body: String = tx
        .prepare_cached("SELECT body FROM messages WHERE id = ?")?
        .query_row([message], |row| row.get(0))?;
    let thanks = random.pick(&THANKS);
    Ok(Some(Event::MessageEdited { message, body: format!("{body} ({thanks})") }))
}

fn message_removed(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Option<Event>> {
    Ok(some(tx, random, "messages")?.map(|message| Event::MessageRemoved { message }))
}

fn memory_pinned(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Option<Event>> {
    let Some(message) = some(tx, random, "messages")? else { return Ok(None) };
    let bot = tx
        .prepare_cached(
            "SELECT bot_id FROM chats JOIN messages ON messages.chat_id = chats.id
             WHERE messages.id = ?",
        )?
        .query_row([message], |row| row.get(0))?;
    let weight = f64::from(u32::try_from(random.below(100)).unwrap_or_default()) / 100.0;
    let text = format!("{}.", random.pick(&FACTS));
    Ok(Some(Event::MemoryPinned { memory: free(tx, "memories")?, bot, message, text, weight }))
}

fn memory_forgotten(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Option<Event>> {
    Ok(some(tx, random, "memories")?.map(|memory| Event::MemoryForgotten { memory }))
}

fn setting_changed(random: &mut Random) -> Event {
    let (name, values) = random.pick(&SETTINGS);
    Event::SettingChanged { name: name.to_owned(), value: random.pick(&values).to_owned() }
}

fn persona_edited(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Option<Event>> {
    let place = usize::from(random.chance(600));
    persona_of(tx, random, |topic| topic.personas[place])
}

fn persona_of(
    tx: &Transaction<'_>,
    random: &mut Random,
    persona: impl Fn(&Topic) -> &'static str,
) -> rusqlite::Result<Option<Event>> {
    let Some(bot) = some(tx, random, "bots")? else { return Ok(None) };
    let persona = persona(topic_of(tx, bot)?).to_owned();
    Ok(Some(Event::BotPersonaEdited { bot, persona }))
}

fn tag_added(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Option<Event>> {
    let tag = random.pick(&TAGS).to_owned();
    Ok(some(tx, random, "chats")?.map(|chat| Event::TagAdded { chat, tag }))
}

fn tag_removed(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Option<Event>> {
    let Some(chat) = some(tx, random, "chats")? else { return Ok(None) };
    let mut of_chat = tx.prepare_cached("SELECT tag FROM tags WHERE chat_id = ? LIMIT 1")?;
    let tag = of_chat.query_row([chat], |row| row.get(0)).optional()?;
    Ok(tag.map(|tag| Event::TagRemoved { chat, tag }))
}

/// What a chat is about, the same for as long as it goes on.
fn thing_of(topic: &Topic, chat: i64) -> &'static str {
    let place = usize::try_from(chat).unwrap_or_default() % topic.things.len();
    topic.things[place]
}

fn title(topic: &Topic, thing: &str, random: &mut Random) -> String {
    match random.below(3) {
        0 => format!("About {thing}"),
        1 => format!("{}: {thing}", capitalised(topic.name)),
        _ => format!("{} again", capitalised(thing)),
    }
}

fn question(topic: &Topic, thing: &str, random: &mut Random) -> String {
    if random.chance(200) {
        return random.pick(&THANKS).to_owned();
    }
    about(random.pick(topic.questions), thing)
}

/// The answer to what was just said: the one that fits a question, any to small talk.
fn answer(topic: &Topic, thing: &str, said: &str, random: &mut Random) -> String {
    let asked = topic.questions.iter().position(|question| about(question, thing) == said);
    let fitting = asked.and_then(|place| topic.answers.get(place).copied());
    let opening = if random.chance(350) { random.pick(&OPENINGS) } else { "" };
    let first = about(fitting.unwrap_or_else(|| random.pick(topic.answers)), thing);
    if random.chance(250) {
        format!("{opening}{first} {}", random.pick(&CLOSINGS))
    } else {
        format!("{opening}{first}")
    }
}

/// A sentence about a thing.
fn about(sentence: &str, thing: &str) -> String {
    // A thing may open a sentence, or follow a full stop within it.
    let text = sentence.replace(". {}", &format!(". {}", capitalised(thing))).replace("{}", thing);
    capitalised(&text)
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A row of a table, any: the one at or after an id that was drawn.
fn some(tx: &Transaction<'_>, random: &mut Random, table: &str) -> rusqlite::Result<Option<i64>> {
    let greatest = free(tx, table)? - 1;
    let drawn = random.below(u64::try_from(greatest).unwrap_or_default());
    let sql = format!("SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT 1");
    let drawn = i64::try_from(drawn).unwrap_or_default();
    tx.prepare_cached(&sql)?.query_row([drawn], |row| row.get(0)).optional()
}

/// The first id that is free at a table's end.
fn free(tx: &Transaction<'_>, table: &str) -> rusqlite::Result<i64> {
    let sql = format!("SELECT coalesce(max(id), 0) + 1 FROM {table}");
    tx.prepare_cached(&sql)?.query_row([], |row| row.get(0))
}

/// A chat that people are in.
struct Lively {
    chat: i64,
    bot: i64,
    /// Who wrote last, and what.
    last: Option<(String, String)>,
}

fn lively_chat(tx: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<Option<Lively>> {
    let place = i64::try_from(random.below(12)).unwrap_or_default();
    // While there are few chats, a place past the last falls back to the oldest of them.
    let mut by_recency = tx.prepare_cached(
        "SELECT id, bot_id FROM chats ORDER BY last_message_at DESC, id DESC
         LIMIT 1 OFFSET min(?, max((SELECT count(*) FROM chats) - 1, 0))",
    )?;
    let chat = by_recency.query_row([place], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((chat, bot)) = chat else { return Ok(None) };
    let mut newest = tx.prepare_cached(
        "SELECT author, body FROM messages WHERE chat_id = ? ORDER BY sent_at DESC, id DESC LIMIT 1",
    )?;
    let last = newest.query_row([chat], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(Some(Lively { chat, bot, last }))
}

fn topic_of(tx: &Transaction<'_>, bot: i64) -> rusqlite::Result<&'static Topic> {
    let name: String = tx
        .prepare_cached("SELECT topic FROM bots WHERE id = ?")?
        .query_row([bot], |row| row.get(0))?;
    Ok(TOPICS.iter().find(|topic| topic.name == name).unwrap_or(&TOPICS[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::app;

    #[test]
    fn a_story_breaks_no_rule_of_the_schema() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut chat = app::open(&folder.path().join("chat.db")).expect("a database");
        let tx = chat.transaction().expect("a transaction");
        let mut random = Random::new(3);
        for event in opening() {
            app::record(&tx, "2026-11-22T08:00:00Z", &event).expect("recorded");
        }
        for step in 0..600 {
            let event = if step % 50 == 49 {
                blunder(&tx, &mut random).expect("an event")
            } else {
                next(&tx, &mut random).expect("an event")
            };
            app::record(&tx, "2026-11-22T20:04:46Z", &event).expect("recorded");
        }
        let events: i64 =
            tx.query_row("SELECT count(*) FROM event_log", [], |row| row.get(0)).expect("a count");
        assert_eq!(events, 600 + 6 + 8);
        for table in ["bots", "chats", "messages", "memories", "settings", "tags"] {
            let rows: i64 = tx
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
                .expect("a count");
            assert!(rows > 0, "{table} is empty");
        }
    }

    #[test]
    fn a_story_goes_on_in_an_empty_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut chat = app::open(&folder.path().join("chat.db")).expect("a database");
        let tx = chat.transaction().expect("a transaction");
        let mut random = Random::new(5);
        for _ in 0..100 {
            let event = next(&tx, &mut random).expect("an event");
            app::record(&tx, "2026-11-22T20:04:46Z", &event).expect("recorded");
        }
        let messages: i64 =
            tx.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).expect("a count");
        assert!(messages > 0);
    }

    #[test]
    fn a_question_gets_the_answer_that_fits() {
        let topic = &TOPICS[1];
        let said = about(topic.questions[3], "Bergen");
        let told = answer(topic, "Bergen", &said, &mut Random::new(4));
        assert!(told.contains("Wet and calm. Bergen belongs to its own people"), "{told}");
    }
}
