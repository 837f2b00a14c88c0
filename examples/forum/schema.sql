PRAGMA journal_mode = WAL;  -- readers do not wait for the one who writes

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

-- What a page shows to be signed in again, after a reload or when the forum was away.
CREATE TABLE IF NOT EXISTS token (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL REFERENCES member,
    made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Which WAMP session is which member's; a member with two tabs has two.
CREATE TABLE IF NOT EXISTS online (
    session INTEGER PRIMARY KEY,
    name TEXT NOT NULL REFERENCES member
);
