PRAGMA journal_mode = WAL;  -- readers do not wait for a writer

CREATE TABLE IF NOT EXISTS member (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL  -- its hash
);

CREATE TABLE IF NOT EXISTS post (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL REFERENCES member,
    text TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);

-- With a token, a page signs in again after a reload or after the forum was away.
CREATE TABLE IF NOT EXISTS token (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL REFERENCES member,
    made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Which member each WAMP session belongs to; a member with two tabs has two sessions.
CREATE TABLE IF NOT EXISTS online (
    session INTEGER PRIMARY KEY,
    name TEXT NOT NULL REFERENCES member
);
