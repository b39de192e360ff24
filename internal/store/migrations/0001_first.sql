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

-- The external ids that others replaced. Nobody may be let in by them any more.
CREATE TABLE retired_ids (
  organization TEXT NOT NULL,
  external_id  TEXT NOT NULL,
  retired      BIGINT NOT NULL,
  PRIMARY KEY (organization, external_id)
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
  old_external_id  TEXT NOT NULL, -- while a new one replaces it
  paused           BIGINT NOT NULL,
  paused_by        TEXT NOT NULL,
  managed_by       TEXT NOT NULL,
  suspended        BIGINT NOT NULL,
  deleted          BIGINT NOT NULL,
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
  on_old_id    BIGINT NOT NULL, -- its trust policy is not known to accept the new external id
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
  setup        TEXT NOT NULL, -- what a setup link may fill in, as JSON
  member       TEXT NOT NULL,
  name         TEXT NOT NULL,
  created      BIGINT NOT NULL,
  created_by   TEXT NOT NULL,
  expires      BIGINT NOT NULL,
  used         BIGINT NOT NULL
);
CREATE INDEX grants_newest ON grants (organization, kind, id);
CREATE INDEX grants_connection ON grants (connection, id) WHERE kind = 'setup_link';
CREATE INDEX grants_sessions ON grants (id) WHERE kind = 'session';
CREATE INDEX grants_member ON grants (member) WHERE member <> '';

-- A member is a person of an organization, from the invitation on.
CREATE TABLE members (
  id           TEXT PRIMARY KEY,
  organization TEXT NOT NULL,
  role         TEXT NOT NULL,
  created      BIGINT NOT NULL,
  created_by   TEXT NOT NULL,
  expires      BIGINT NOT NULL, -- of the invitation
  joined       BIGINT NOT NULL
);
CREATE INDEX members_newest ON members (organization, id);

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
  ended        BIGINT NOT NULL,
  started_by   TEXT NOT NULL, -- id of a grant
  object_keys  TEXT NOT NULL  -- that the report names, as JSON
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
  actor        TEXT NOT NULL, -- as in the record
  action       TEXT NOT NULL, -- as in the record
  sequence     BIGINT NOT NULL,
  link         TEXT NOT NULL
);
CREATE INDEX audit_newest ON audit (organization, id);
CREATE INDEX audit_actor ON audit (organization, actor, id);
CREATE INDEX audit_action ON audit (organization, action, id);
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
DROP TABLE members;
DROP TABLE grants;
DROP TABLE pins;
DROP TABLE verdicts;
DROP TABLE claims;
DROP TABLE connections;
DROP TABLE organizations;
DROP TABLE retired_ids;
DROP TABLE generated_ids;
DROP TABLE names;
