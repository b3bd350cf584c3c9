-- The recorder that an event was archived by, by the name of its log; '' while that is not known, and from before there were several.
ALTER TABLE accepted_event ADD COLUMN log TEXT NOT NULL DEFAULT '';
