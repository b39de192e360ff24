-- +goose Up

-- Names are external ids and api_names, by the digest of tenant.Digest. They
-- are never deleted. The name itself is empty where only its digest is known.
-- Version 3 moves those that there are.
ALTER TABLE names RENAME TO named;
CREATE TABLE names (
  digest       TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  organization TEXT NOT NULL,
  taken        BIGINT NOT NULL
);

-- What is of the database as a whole, by name.
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

-- The state directories whose local runs' records were taken over.
CREATE TABLE imports (
  directory TEXT PRIMARY KEY,
  imported  BIGINT NOT NULL
);

-- The last checks of local runs, for connections that are to be declared.
CREATE TABLE imported_checks (
  organization TEXT NOT NULL,
  connection   TEXT NOT NULL,
  principal    TEXT NOT NULL,
  revision     TEXT NOT NULL,
  since        BIGINT NOT NULL,
  report       TEXT NOT NULL,
  ended        BIGINT NOT NULL,
  PRIMARY KEY (organization, connection)
);
