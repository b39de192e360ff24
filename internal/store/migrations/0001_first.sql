-- +goose Up

-- Names are external ids and api_names, in lower case. They are never deleted.
CREATE TABLE names (
  name         TEXT PRIMARY KEY,
  organization TEXT NOT NULL,
  taken        BIGINT NOT NULL
);

-- The external ids that were generated. They never change.
CREATE TABLE generated_ids (
  organization TEXT PRIMARY KEY,
  external_id  TEXT NOT NULL UNIQUE
);

CREATE TABLE organizations (
  id               TEXT PRIMARY KEY,
  api_name         TEXT NOT NULL UNIQUE,
  name             TEXT NOT NULL,
  external_id_mode TEXT NOT NULL,
  external_id      TEXT NOT NULL,
  jobs             TEXT NOT NULL,
  running          BIGINT NOT NULL,
  queued           BIGINT NOT NULL,
  paused           BIGINT NOT NULL,
  managed_by       TEXT NOT NULL,
  suspended        BIGINT NOT NULL,
  created          BIGINT NOT NULL,
  revision         BIGINT NOT NULL
);
CREATE INDEX organizations_declared ON organizations (api_name) WHERE managed_by = 'config';

-- A connection's document is what its owner declared, as JSON. Its id is never
-- used again; its name may be.
CREATE TABLE connections (
  id           TEXT PRIMARY KEY,
  organization TEXT NOT NULL,
  name         TEXT NOT NULL,
  document     TEXT NOT NULL,
  status       TEXT NOT NULL,
  reason       TEXT NOT NULL,
  checked      BIGINT NOT NULL,
  verified     BIGINT NOT NULL,
  created      BIGINT NOT NULL,
  changed      BIGINT NOT NULL,
  revision     BIGINT NOT NULL,
  UNIQUE (organization, name)
);
CREATE INDEX connections_newest ON connections (organization, id);

-- A claim is an organization's on a role or dispenser, while it has verdicts.
CREATE TABLE claims (
  claim_key    TEXT PRIMARY KEY,
  organization TEXT NOT NULL
);
CREATE TABLE verdicts (
  claim_key TEXT NOT NULL,
  subject   TEXT NOT NULL,
  verdict   TEXT NOT NULL,
  PRIMARY KEY (claim_key, subject)
);
CREATE TABLE pins (
  claim_key    TEXT NOT NULL,
  organization TEXT NOT NULL,
  pinned       TEXT NOT NULL,
  PRIMARY KEY (claim_key, organization)
);

-- A grant is what somebody presents to be let in: its secret's SHA-256 alone.
CREATE TABLE grants (
  id           TEXT PRIMARY KEY,
  hash         TEXT NOT NULL UNIQUE,
  kind         TEXT NOT NULL,
  organization TEXT NOT NULL,
  role         TEXT NOT NULL,
  connection   TEXT NOT NULL,
  access       TEXT NOT NULL,
  name         TEXT NOT NULL,
  created      BIGINT NOT NULL,
  created_by   TEXT NOT NULL,
  expires      BIGINT NOT NULL,
  used         BIGINT NOT NULL
);
CREATE INDEX grants_newest ON grants (organization, kind, id);

-- How a principal's last check found a connection, and since when it is so.
CREATE TABLE revisions (
  organization TEXT NOT NULL,
  connection   TEXT NOT NULL,
  principal    TEXT NOT NULL,
  revision     TEXT NOT NULL,
  since        BIGINT NOT NULL,
  PRIMARY KEY (organization, connection, principal)
);

CREATE TABLE checks (
  id           TEXT PRIMARY KEY,
  organization TEXT NOT NULL,
  connection   TEXT NOT NULL,
  report       TEXT NOT NULL,
  started      BIGINT NOT NULL,
  ended        BIGINT NOT NULL
);
CREATE INDEX checks_newest ON checks (connection, id);
CREATE UNIQUE INDEX checks_running ON checks (connection) WHERE ended = 0;

-- A secret that was deleted has nothing sealed, and keeps its version.
CREATE TABLE secrets (
  organization TEXT NOT NULL,
  name         TEXT NOT NULL,
  type         TEXT NOT NULL,
  bucket       TEXT NOT NULL,
  host         TEXT NOT NULL,
  version      BIGINT NOT NULL,
  sealed       TEXT NOT NULL,
  updated      BIGINT NOT NULL,
  PRIMARY KEY (organization, name)
);
CREATE TABLE data_keys (
  organization TEXT PRIMARY KEY,
  wrapped      TEXT NOT NULL
);

-- Records are linked after they were written: until then sequence is 0.
CREATE TABLE audit (
  id           TEXT PRIMARY KEY,
  organization TEXT NOT NULL,
  record       TEXT NOT NULL,
  sequence     BIGINT NOT NULL,
  link         TEXT NOT NULL
);
CREATE INDEX audit_newest ON audit (organization, id);
CREATE INDEX audit_unlinked ON audit (id) WHERE sequence = 0;
CREATE UNIQUE INDEX audit_linked ON audit (organization, sequence) WHERE sequence > 0;

-- The answers to requests that had an Idempotency-Key.
CREATE TABLE idempotency (
  key     TEXT PRIMARY KEY,
  body    TEXT NOT NULL,
  answer  TEXT NOT NULL,
  created BIGINT NOT NULL
);
CREATE INDEX idempotency_oldest ON idempotency (created);

-- +goose Down
DROP TABLE idempotency;
DROP TABLE audit;
DROP TABLE data_keys;
DROP TABLE secrets;
DROP TABLE checks;
DROP TABLE revisions;
DROP TABLE grants;
DROP TABLE pins;
DROP TABLE verdicts;
DROP TABLE claims;
DROP TABLE connections;
DROP TABLE organizations;
DROP TABLE generated_ids;
DROP TABLE names;
