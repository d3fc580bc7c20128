-- A job that needs an ecosystem rests while that does not answer: for whose sake, in words for everybody, and for how many
-- milliseconds in all since it last got on. Such runs use up no attempt.
ALTER TABLE job ADD COLUMN outage TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN rested BIGINT NOT NULL DEFAULT 0;
