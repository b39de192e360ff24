-- +goose Up

-- A connection that the config no longer declares.
ALTER TABLE connections ADD COLUMN suspended BIGINT NOT NULL DEFAULT 0;
