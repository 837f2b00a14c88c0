CREATE TABLE IF NOT EXISTS member (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL,  -- its hash
    picture TEXT  -- the name of its file
);

CREATE TABLE IF NOT EXISTS post (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL REFERENCES member,
    text TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
