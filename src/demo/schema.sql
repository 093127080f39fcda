-- The demo's chat application. The event log is the source of truth; every other table is derived
-- from it, one event at a time.
CREATE TABLE event_log (
    id          INTEGER PRIMARY KEY,
    created_at  TEXT NOT NULL,
    event_type  TEXT NOT NULL,
    payload     TEXT NOT NULL CHECK (json_valid(payload))
) STRICT;

CREATE TABLE bots (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    topic       TEXT NOT NULL,
    persona     TEXT NOT NULL,
    created_at  TEXT NOT NULL
) STRICT;

CREATE TABLE chats (
    id               INTEGER PRIMARY KEY,
    bot_id           INTEGER NOT NULL REFERENCES bots (id),
    title            TEXT NOT NULL,
    created_at       TEXT NOT NULL,
    last_message_at  TEXT NOT NULL,
    messages         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX chats_by_recency ON chats (last_message_at DESC);
CREATE INDEX chats_of_bot ON chats (bot_id);

CREATE TABLE messages (
    id        INTEGER PRIMARY KEY,
    chat_id   INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    author    TEXT NOT NULL CHECK (author IN ('user', 'bot')),
    body      TEXT NOT NULL,
    sent_at   TEXT NOT NULL,
    edited_at TEXT
) STRICT;
CREATE INDEX messages_of_chat ON messages (chat_id, sent_at);

CREATE TABLE memories (
    id          INTEGER PRIMARY KEY,
    bot_id      INTEGER NOT NULL REFERENCES bots (id),
    message_id  INTEGER REFERENCES messages (id) ON DELETE SET NULL,
    text        TEXT NOT NULL,
    weight      REAL NOT NULL,
    pinned_at   TEXT NOT NULL
) STRICT;
CREATE INDEX memories_of_bot ON memories (bot_id, weight DESC);

CREATE TABLE settings (
    name        TEXT PRIMARY KEY,
    value       TEXT NOT NULL,
    changed_at  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    chat_id  INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    tag      TEXT NOT NULL,
    PRIMARY KEY (chat_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_name ON tags (tag);

CREATE VIRTUAL TABLE message_search
    USING fts5 (body, content = 'messages', content_rowid = 'id', tokenize = 'porter');
CREATE TRIGGER message_indexed AFTER INSERT ON messages BEGIN
    INSERT INTO message_search (rowid, body) VALUES (new.id, new.body);
END;
CREATE TRIGGER message_unindexed AFTER DELETE ON messages BEGIN
    INSERT INTO message_search (message_search, rowid, body)
        VALUES ('delete', old.id, old.body);
END;
CREATE TRIGGER message_reindexed AFTER UPDATE OF body ON messages BEGIN
    INSERT INTO message_search (message_search, rowid, body)
        VALUES ('delete', old.id, old.body);
    INSERT INTO message_search (rowid, body) VALUES (new.id, new.body);
END;

CREATE VIEW recent_chats AS
    SELECT chats.title, bots.name AS bot, chats.messages, chats.last_message_at
    FROM chats JOIN bots ON bots.id = chats.bot_id
    ORDER BY chats.last_message_at DESC
    LIMIT 20;
