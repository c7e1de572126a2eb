-- When something last arrived late in a session: of those in which nothing did, a list asks this index once each.
CREATE INDEX chat_entries_newest_arrivals ON chat_entries (session_id, at) WHERE kind = 'arrived';
