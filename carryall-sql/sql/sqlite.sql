-- Sessions of Carryall in SQLite, version 1. Every statement may be run again.
-- Instants are milliseconds since 1970. The id is a hash that no cookie can be made of.
CREATE TABLE IF NOT EXISTS carryall_sessions (
    id      BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    latest  INTEGER NOT NULL,
    subject BLOB             CHECK (length(subject) = 16),
    payload BLOB    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS carryall_sessions_expires ON carryall_sessions (expires);
CREATE INDEX IF NOT EXISTS carryall_sessions_subject ON carryall_sessions (subject) WHERE subject IS NOT NULL;
