-- Sessions of Carryall in PostgreSQL, version 1. Every statement may be run again.
-- Instants are milliseconds since 1970. The id is a hash that no cookie can be made of.
CREATE TABLE IF NOT EXISTS carryall_sessions (
    id      bytea  NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    version bigint NOT NULL,
    created bigint NOT NULL,
    seen    bigint NOT NULL,
    expires bigint NOT NULL,
    latest  bigint NOT NULL,
    subject bytea           CHECK (octet_length(subject) = 16),
    payload bytea  NOT NULL
);
CREATE INDEX IF NOT EXISTS carryall_sessions_expires ON carryall_sessions (expires);
CREATE INDEX IF NOT EXISTS carryall_sessions_subject ON carryall_sessions (subject) WHERE subject IS NOT NULL;
