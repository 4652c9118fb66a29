-- Cells as somebody wrote them leave the rows that the sweeper reads: what a file looked like moves from its reading to
-- a table of the tenant's own, and the samples go from what a reading notes of its columns.

CREATE TABLE outlines (
    employer_id  bigint NOT NULL,
    reading_id   uuid NOT NULL,
    outline      jsonb NOT NULL,
    PRIMARY KEY (employer_id, reading_id),
    FOREIGN KEY (employer_id, reading_id) REFERENCES readings
);
COMMENT ON TABLE outlines IS 'class tenant. What the file of a reading looked like: sheets, first rows, columns with samples; to map it by hand';

-- the owner passes the readings' wall for these statements
ALTER TABLE readings NO FORCE ROW LEVEL SECURITY;
INSERT INTO outlines (employer_id, reading_id, outline)
SELECT employer_id, reading_id, layout FROM readings WHERE layout IS NOT NULL;
UPDATE readings r
   SET facts = jsonb_set(r.facts, '{matched}', (SELECT jsonb_agg(matched.column_read - 'samples' ORDER BY matched.place)
                                                  FROM jsonb_array_elements(r.facts -> 'matched')
                                                       WITH ORDINALITY matched (column_read, place)))
 WHERE jsonb_typeof(r.facts -> 'matched') = 'array' AND jsonb_array_length(r.facts -> 'matched') > 0;
ALTER TABLE readings FORCE ROW LEVEL SECURITY;
ALTER TABLE readings DROP COLUMN layout;

DO $walls$
DECLARE
    kind      CONSTANT text := $$current_setting('app.actor_kind', true)$$;
    employer  CONSTANT text := $$nullif(current_setting('app.employer_id', true), '')::bigint$$;
    tenant    CONSTANT text := format(
        $$(employer_id = %2$s AND (%1$s IN ('member', 'officer', 'job') OR (%1$s = 'administrator' AND employer_id = 0)))$$,
        kind, employer);
BEGIN
    ALTER TABLE outlines ENABLE ROW LEVEL SECURITY;
    ALTER TABLE outlines FORCE ROW LEVEL SECURITY;
    EXECUTE format('CREATE POLICY tenant ON outlines USING (%s) WITH CHECK (%1$s)', tenant);
END
$walls$;

GRANT SELECT, INSERT, UPDATE ON outlines TO teledeclaration_app;
