-- +goose Up

-- What a check found, for lists, which read no report; empty: nothing. Version 7
-- fills it in.
ALTER TABLE checks ADD COLUMN result TEXT NOT NULL DEFAULT '';

-- The role or dispenser that a check was to prove although its organization had
-- no claim on it and the config does not declare it, by the key of claims.
ALTER TABLE checks ADD COLUMN proves TEXT NOT NULL DEFAULT '';
CREATE INDEX checks_proving ON checks (organization, started) WHERE proves <> '';
