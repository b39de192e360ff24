-- +goose Up

-- The external ids that others replaced. Nobody may be let in by them any more.
CREATE TABLE retired_ids (
  organization TEXT NOT NULL,
  external_id  TEXT NOT NULL,
  retired      BIGINT NOT NULL,
  PRIMARY KEY (organization, external_id)
);

-- While a new external id replaces the old one, a connection is on the old one
-- until its trust policy is known to accept the new one.
ALTER TABLE organizations ADD COLUMN old_external_id TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN on_old_id BIGINT NOT NULL DEFAULT 0;

ALTER TABLE organizations ADD COLUMN paused_by TEXT NOT NULL DEFAULT '';
ALTER TABLE organizations ADD COLUMN deleted BIGINT NOT NULL DEFAULT 0;

-- What a setup link may fill in is JSON. All tokens are of one kind.
ALTER TABLE grants ADD COLUMN setup TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN member TEXT NOT NULL DEFAULT '';
UPDATE grants SET kind = 'token';
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

-- Who began a check is the id of a grant; the keys that its report names are JSON.
ALTER TABLE checks ADD COLUMN started_by TEXT NOT NULL DEFAULT '';
ALTER TABLE checks ADD COLUMN object_keys TEXT NOT NULL DEFAULT '[]';

-- As in the record, for lists; empty in records from before.
ALTER TABLE audit ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN action TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_actor ON audit (organization, actor, id);
CREATE INDEX audit_action ON audit (organization, action, id);
