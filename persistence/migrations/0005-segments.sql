-- Segments as pages of history: a segment's entries in order, and what arrived late in a session.
CREATE INDEX chat_entries_by_segment ON chat_entries (session_id, segment, at, entry_id);
CREATE INDEX chat_entries_arrivals ON chat_entries (session_id, segment) WHERE kind = 'arrived';
