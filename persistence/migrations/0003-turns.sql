-- Turns are primary: they are made by deriving entries, but who works on them is written nowhere else.
CREATE TABLE turns (
  seq              INTEGER PRIMARY KEY AUTOINCREMENT,
  id               TEXT NOT NULL UNIQUE,
  session_id       TEXT NOT NULL,
  cause            TEXT NOT NULL,
  agent            TEXT NOT NULL,
  step             TEXT NOT NULL,
  stage            INTEGER NOT NULL,
  group_id         TEXT NOT NULL,
  asked_by         TEXT NOT NULL,
  state            TEXT NOT NULL CHECK (state IN ('queued', 'loading', 'reading', 'writing', 'done', 'stopped', 'failed')),
  -- The fencing number of the present or last lease; 0 before the first.
  attempt          INTEGER NOT NULL DEFAULT 0,
  -- Attempts that count towards the bound.
  failures         INTEGER NOT NULL DEFAULT 0,
  -- The segment, the Yjs client id and the end of the lease; the document stays known until its live row is gone.
  document         TEXT,
  lease_client_id  INTEGER,
  lease_expires_at INTEGER,
  has_row          INTEGER NOT NULL DEFAULT 0,
  -- Not to be leased again before this moment.
  retry_at         INTEGER NOT NULL DEFAULT 0,
  -- The longest text that an interrupted attempt left.
  partial          TEXT NOT NULL DEFAULT '',
  model            TEXT,
  -- How the office is about to end it (JSON); set from the decision on, until the entry that says so is projected.
  ending           TEXT,
  ended_by         TEXT,
  queued_at        INTEGER NOT NULL,
  since            INTEGER NOT NULL
) STRICT;

CREATE INDEX turns_by_group ON turns (group_id);
CREATE INDEX turns_open ON turns (session_id, asked_by) WHERE state NOT IN ('done', 'stopped', 'failed');
CREATE INDEX turns_leftover_rows ON turns (id) WHERE has_row = 1;

-- Who has written in a session: decides whether Daena answers without being asked.
CREATE TABLE session_writers (
  session_id TEXT NOT NULL,
  person     TEXT NOT NULL,
  PRIMARY KEY (session_id, person)
) STRICT, WITHOUT ROWID;
