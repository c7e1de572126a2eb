-- Facts about this office as a whole: its epoch, for one.
CREATE TABLE office_facts (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- What was switched off. Councils and seats are on unless a row says otherwise.
CREATE TABLE council_switches (
  council_id TEXT NOT NULL,
  -- '' for the council itself
  seat_id TEXT NOT NULL DEFAULT '',
  is_enabled INTEGER NOT NULL,
  PRIMARY KEY (council_id, seat_id)
) STRICT;
