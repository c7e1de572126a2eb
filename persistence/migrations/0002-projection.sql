-- What people read: sessions, the entries of their logs, the messages folded from them, search, and events.
-- Times are milliseconds since the epoch. `scope`, `owner` and privacy of a session, its members and the events are
-- primary; all else here is derived from the update log and can be rebuilt from it.

CREATE TABLE chat_sessions (
  id TEXT PRIMARY KEY,
  scope_type TEXT NOT NULL CHECK (scope_type IN ('executive', 'department', 'agent', 'general', 'council')),
  scope_id TEXT,
  category TEXT GENERATED ALWAYS AS (
    CASE scope_type WHEN 'department' THEN scope_id WHEN 'agent' THEN 'agents' ELSE scope_type END
  ) VIRTUAL,
  owner TEXT NOT NULL,
  is_private INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  -- Folded: the newest title in the session's order, and where in that order it stands.
  title TEXT NOT NULL,
  -- Lower case, compatibility forms resolved: what a search of titles compares with.
  title_key TEXT NOT NULL,
  title_set_at INTEGER NOT NULL DEFAULT -1,
  title_entry TEXT NOT NULL DEFAULT '',
  -- Folded: null unless in the bin; then where in the order the newest move into or out of it stands.
  binned_at INTEGER,
  bin_set_at INTEGER NOT NULL DEFAULT -1,
  bin_entry TEXT NOT NULL DEFAULT '',
  updated_at INTEGER NOT NULL,
  -- Messages shown and not retracted; kept by the triggers below.
  message_count INTEGER NOT NULL DEFAULT 0,
  last_message_id TEXT,
  live_segment INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX chat_sessions_by_activity ON chat_sessions (updated_at, id);
CREATE INDEX chat_sessions_by_scope ON chat_sessions (scope_type, scope_id, updated_at, id);

-- Who besides the owner may enter a private session.
CREATE TABLE chat_session_members (
  session_id TEXT NOT NULL REFERENCES chat_sessions (id),
  person_id TEXT NOT NULL,
  PRIMARY KEY (session_id, person_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE chat_entries (
  session_id TEXT NOT NULL REFERENCES chat_sessions (id),
  entry_id TEXT NOT NULL,
  segment INTEGER NOT NULL,
  kind TEXT NOT NULL,
  author TEXT NOT NULL,
  at INTEGER NOT NULL,
  -- The entry that this one is about: what an edit edits, what a reply answers.
  target TEXT,
  value TEXT NOT NULL,
  UNIQUE (session_id, entry_id)
) STRICT;
CREATE INDEX chat_entries_in_order ON chat_entries (session_id, at, entry_id);
CREATE INDEX chat_entries_by_target ON chat_entries (session_id, target, kind, at, entry_id) WHERE target IS NOT NULL;
CREATE INDEX chat_entries_debates ON chat_entries (session_id, at, entry_id) WHERE kind = 'debate';

CREATE TABLE chat_messages (
  number INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES chat_sessions (id),
  message_id TEXT NOT NULL,
  scope_type TEXT NOT NULL,
  scope_id TEXT,
  kind TEXT NOT NULL CHECK (kind IN ('message', 'reply', 'debate', 'notice')),
  role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
  author_id TEXT NOT NULL,
  agent_id TEXT,
  -- With the newest edit applied; empty once retracted.
  content TEXT NOT NULL,
  model TEXT,
  tokens INTEGER,
  response_time_ms REAL,
  created_at INTEGER NOT NULL,
  edited_at INTEGER,
  deleted INTEGER NOT NULL DEFAULT 0,
  step TEXT,
  outcome TEXT,
  -- What the reply answers; of a later version, the request for that version.
  cause TEXT,
  is_rehearsed INTEGER,
  -- Where it stands in the session. Versions of a reply share the place of their first one, whose id is `position_id`.
  position_at INTEGER NOT NULL,
  position_id TEXT NOT NULL,
  -- Of the versions of a reply only the newest is shown.
  is_shown INTEGER NOT NULL DEFAULT 1,
  UNIQUE (session_id, message_id)
) STRICT;
CREATE INDEX chat_messages_in_order ON chat_messages (session_id, position_at, position_id) WHERE is_shown = 1;
CREATE INDEX chat_messages_versions ON chat_messages (session_id, position_id, created_at, message_id);

CREATE TRIGGER chat_messages_inserted AFTER INSERT ON chat_messages WHEN new.is_shown AND NOT new.deleted BEGIN
  UPDATE chat_sessions SET message_count = message_count + 1 WHERE id = new.session_id;
END;
CREATE TRIGGER chat_messages_updated AFTER UPDATE OF is_shown, deleted ON chat_messages
WHEN (old.is_shown AND NOT old.deleted) <> (new.is_shown AND NOT new.deleted) BEGIN
  UPDATE chat_sessions SET message_count = message_count + iif(new.is_shown AND NOT new.deleted, 1, -1)
  WHERE id = new.session_id;
END;

-- Row ids are those of chat_messages. The text is prepared for this tokenizer: see search-text.ts.
CREATE VIRTUAL TABLE message_search USING fts5(
  content,
  tokenize = "unicode61 remove_diacritics 2 categories 'L* N* M* Co So'",
  prefix = '2 3'
);

-- Texts of messages are not in here: they are joined when an event is read, so what was retracted is not replayed.
CREATE TABLE event_log (
  event_id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_type TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  session_id TEXT,
  message_id TEXT,
  payload TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Up to which clock of the update log a document is projected.
CREATE TABLE watermarks (
  document TEXT PRIMARY KEY,
  through_clock INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Filled by a rebuild: entries whose events and turns exist already. Each goes when its entry is projected again.
CREATE TABLE derived_entries (
  session_id TEXT NOT NULL,
  entry_id TEXT NOT NULL,
  PRIMARY KEY (session_id, entry_id)
) STRICT, WITHOUT ROWID;
