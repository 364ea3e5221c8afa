-- Sessions of Carryall in MySQL and MariaDB, version 1. Every statement may be run again.
-- Instants are milliseconds since 1970. The id is a hash that no cookie can be made of.
CREATE TABLE IF NOT EXISTS carryall_sessions (
    id      BINARY(16) NOT NULL PRIMARY KEY,
    version BIGINT     NOT NULL,
    created BIGINT     NOT NULL,
    seen    BIGINT     NOT NULL,
    expires BIGINT     NOT NULL,
    latest  BIGINT     NOT NULL,
    subject BINARY(16)     NULL,
    payload LONGBLOB   NOT NULL,
    INDEX carryall_sessions_expires (expires),
    INDEX carryall_sessions_subject (subject)
) ENGINE = InnoDB;
