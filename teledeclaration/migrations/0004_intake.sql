-- What an intake needs beside the file as it was read: how its columns were mapped by hand, every revision of a
-- draft and how to go back to it, the review of a new file before it counts, and requests for a number.

-- ── readings ──────────────────────────────────────────────────────────────────────────────────

ALTER TABLE readings
    ADD COLUMN mapping     jsonb,
    ADD COLUMN layout      jsonb,
    ADD COLUMN started_at  timestamptz,
    ADD COLUMN phase_since timestamptz,
    ADD COLUMN expected_at timestamptz,
    DROP CONSTRAINT readings_status_known,
    -- cancelled: its sender called it off before it was checked, or set it aside as unreadable: as if never sent
    ADD CONSTRAINT readings_status_known CHECK (status IN ('waiting', 'checked', 'unreadable', 'failed', 'cancelled'));
COMMENT ON COLUMN readings.mapping IS 'how the file is to be read, where someone said so: sheet, header row, columns, units';
COMMENT ON COLUMN readings.layout IS 'what the file looked like: sheets, first rows, columns; to map it by hand';
COMMENT ON COLUMN readings.phase_since IS 'when the present phase began';
COMMENT ON COLUMN readings.expected_at IS 'when the reading is likely to be done, as its worker sees it; null while unknown';
CREATE INDEX readings_by_upload ON readings (employer_id, upload_id, created_at);
CREATE INDEX readings_waiting_of_employer ON readings (employer_id) WHERE status = 'waiting';

-- ── drafts ────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE drafts
    ADD COLUMN lines_revision int NOT NULL DEFAULT 0,
    ADD COLUMN proposed_reading_id uuid;
COMMENT ON COLUMN drafts.lines_revision IS 'the revision that last changed a line: a review holds for that one';
COMMENT ON COLUMN drafts.proposed_reading_id IS 'what was read from a later file, and counts once its changes are reviewed';

CREATE TABLE draft_revisions (
    employer_id    bigint NOT NULL,
    draft_id       uuid NOT NULL,
    revision       int NOT NULL,
    kind           text NOT NULL,
    reading_id     uuid NOT NULL,
    lines_changed  int NOT NULL,
    details        jsonb NOT NULL DEFAULT '{}',
    findings       jsonb NOT NULL DEFAULT '{}',
    done_by        text NOT NULL,
    done_at        timestamptz NOT NULL,
    PRIMARY KEY (employer_id, draft_id, revision),
    FOREIGN KEY (employer_id, draft_id) REFERENCES drafts,
    FOREIGN KEY (employer_id, reading_id) REFERENCES readings,
    -- file, mapping: stands on another reading · mend, repair: lines changed in place · return: as a former revision was
    CONSTRAINT draft_revisions_kind_known CHECK (kind IN ('file', 'mapping', 'mend', 'repair', 'return'))
);
COMMENT ON TABLE draft_revisions IS 'class tenant. Each change of a draft''s lines: what, by whom, and the reading it stands on since';
COMMENT ON COLUMN draft_revisions.findings IS 'how many findings the check after it told as new, gone and come back';

-- what stands in a draft already can be gone back to; the owner passes drafts' wall for this one statement
ALTER TABLE drafts NO FORCE ROW LEVEL SECURITY;
INSERT INTO draft_revisions (employer_id, draft_id, revision, kind, reading_id, lines_changed, done_by, done_at)
SELECT employer_id, draft_id, revision, 'file', reading_id, 0, created_by, updated_at
  FROM drafts
 WHERE status = 'open' AND reading_id IS NOT NULL;
ALTER TABLE drafts FORCE ROW LEVEL SECURITY;

CREATE TABLE line_edits (
    employer_id  bigint NOT NULL,
    reading_id   uuid NOT NULL,
    revision     int NOT NULL,
    line_number  int NOT NULL,
    before       jsonb NOT NULL,
    -- no foreign key to readings: looking it up costs as much as the row, 300,000 times in a repair
    PRIMARY KEY (employer_id, reading_id, revision, line_number)
);
COMMENT ON TABLE line_edits IS 'class tenant. What a revision of a draft changed in a line, as it was before: the way back';

ALTER TABLE lines ADD COLUMN number_requested boolean NOT NULL DEFAULT false;
ALTER TABLE incoming_lines ADD COLUMN number_requested boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN lines.number_requested IS 'the person has no number yet: filing asks for one';
-- Lines and findings are written only in the transaction that ends their reading, and no reading goes: looking it up
-- for each of 300,000 rows cost half of storing them.
CREATE INDEX lines_left_out ON lines (employer_id, reading_id, line_number) WHERE left_out;
ALTER TABLE lines DROP CONSTRAINT lines_employer_id_reading_id_fkey;
ALTER TABLE findings DROP CONSTRAINT findings_employer_id_reading_id_fkey;
-- changed lines are joined with those that stand, either way round, before statistics know of them
DROP INDEX incoming_lines_by_reading;
CREATE INDEX incoming_lines_by_reading ON incoming_lines (employer_id, reading_id, line_number);

ALTER TABLE findings ADD COLUMN mark text, ADD COLUMN back boolean NOT NULL DEFAULT false;
ALTER TABLE incoming_findings ADD COLUMN mark text, ADD COLUMN back boolean NOT NULL DEFAULT false;
ALTER TABLE findings ALTER COLUMN finding TYPE bigint;
ALTER TABLE incoming_findings ALTER COLUMN finding TYPE bigint;
COMMENT ON COLUMN findings.finding IS 'in the order of the file, with room between lines: a line''s findings can be found anew';
COMMENT ON COLUMN findings.mark IS 'what makes it the same finding in another check: code, field, and whose line';
COMMENT ON COLUMN findings.back IS 'it was found in this draft before, went away, and came back';

CREATE TABLE past_findings (
    employer_id  bigint NOT NULL,
    draft_id     uuid NOT NULL,
    mark         text NOT NULL,
    PRIMARY KEY (employer_id, draft_id, mark),
    FOREIGN KEY (employer_id, draft_id) REFERENCES drafts
);
COMMENT ON TABLE past_findings IS 'class tenant. Findings of a draft that went away, so that one that comes back is told as such';

-- ── mapping by hand ───────────────────────────────────────────────────────────────────────────

CREATE TABLE layouts (
    employer_id  bigint NOT NULL REFERENCES employers,
    layout_id    uuid NOT NULL,
    form         text NOT NULL,
    words_hash   text NOT NULL,
    words        jsonb NOT NULL,
    mapping      jsonb NOT NULL,
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL,
    used_at      timestamptz,
    PRIMARY KEY (employer_id, layout_id),
    CONSTRAINT layouts_words_once UNIQUE (employer_id, form, words_hash)
);
COMMENT ON TABLE layouts IS 'class tenant. How an employer''s workbook with these headers was mapped by hand, for the next one';

CREATE TABLE learnt_words (
    employer_id  bigint NOT NULL REFERENCES employers,
    form         text NOT NULL,
    word         text NOT NULL,
    field        text NOT NULL,
    times        int NOT NULL DEFAULT 1,
    learnt_at    timestamptz NOT NULL,
    PRIMARY KEY (employer_id, form, word, field)
);
COMMENT ON TABLE learnt_words IS 'class tenant. What an employer''s own headers meant when corrected by hand: proposed, never applied by itself';

-- ── review of changes ─────────────────────────────────────────────────────────────────────────

CREATE TABLE reviews (
    employer_id     bigint NOT NULL,
    review_id       uuid NOT NULL,
    draft_id        uuid NOT NULL,
    base            text NOT NULL,
    base_id         uuid NOT NULL,
    reading_id      uuid NOT NULL,
    lines_revision  int NOT NULL,
    status          text NOT NULL DEFAULT 'waiting',
    attempt         int NOT NULL DEFAULT 0,
    lease           uuid,
    leased_until    timestamptz,
    counts          jsonb NOT NULL DEFAULT '{}',
    effect          jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL,
    decided_by      text,
    decided_at      timestamptz,
    PRIMARY KEY (employer_id, review_id),
    FOREIGN KEY (employer_id, draft_id) REFERENCES drafts,
    FOREIGN KEY (employer_id, reading_id) REFERENCES readings,
    -- draft: a new file against the lines the draft stands on (base_id: their reading)
    -- declaration: the draft's lines against the declaration it replaces (base_id)
    CONSTRAINT reviews_base_known CHECK (base IN ('draft', 'declaration')),
    -- waiting: to be compared · ready: to be decided · accepted, refused: by whom · outdated: the lines moved meanwhile
    CONSTRAINT reviews_status_known
        CHECK (status IN ('waiting', 'ready', 'accepted', 'refused', 'outdated', 'failed'))
);
COMMENT ON TABLE reviews IS 'class work. What a new file changes, compared and decided before it counts';
CREATE INDEX reviews_by_draft ON reviews (employer_id, draft_id, created_at);
CREATE INDEX reviews_waiting ON reviews (created_at) WHERE status = 'waiting';

CREATE TABLE review_changes (
    employer_id  bigint NOT NULL,
    review_id    uuid NOT NULL,
    change       int NOT NULL,
    kind         text NOT NULL,
    line_number  int,
    base_line    int,
    nss          text,
    last_name    text,
    first_name   text,
    birth_date   date,
    fields       jsonb NOT NULL DEFAULT '{}',
    score        int,
    difference   bigint NOT NULL DEFAULT 0,
    same_person  boolean,
    PRIMARY KEY (employer_id, review_id, change),
    FOREIGN KEY (employer_id, review_id) REFERENCES reviews,
    CONSTRAINT review_changes_kind_known CHECK (kind IN ('new', 'changed', 'close', 'absent'))
);
COMMENT ON TABLE review_changes IS 'class tenant. One line of a review; `fields` has each field''s values before and after, `difference` is in centimes of the year''s base';
COMMENT ON COLUMN review_changes.same_person IS 'the answer to a close match, where one was given';
CREATE INDEX review_changes_by_kind ON review_changes (employer_id, review_id, kind, change);

CREATE UNLOGGED TABLE incoming_review_changes (LIKE review_changes INCLUDING DEFAULTS);
COMMENT ON TABLE incoming_review_changes IS 'class incoming. COPY''s way into review_changes';
CREATE INDEX incoming_review_changes_by_review ON incoming_review_changes (employer_id, review_id);

-- ── people without a number ───────────────────────────────────────────────────────────────────

ALTER TABLE declared_lines ALTER COLUMN nss DROP NOT NULL;
COMMENT ON COLUMN declared_lines.nss IS 'null for who has no number yet: a registration asks for it';

CREATE TABLE registrations (
    employer_id      bigint NOT NULL,
    registration_id  uuid NOT NULL,
    declaration_id   uuid NOT NULL,
    line_number      int NOT NULL,
    status           text NOT NULL DEFAULT 'requested',
    last_name        text NOT NULL,
    first_name       text NOT NULL,
    birth_date       date,
    entry_date       date,
    requested_by     text NOT NULL,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (employer_id, registration_id),
    FOREIGN KEY (employer_id, declaration_id) REFERENCES declarations,
    CONSTRAINT registrations_line_once UNIQUE (employer_id, declaration_id, line_number),
    CONSTRAINT registrations_status_known CHECK (status IN ('requested'))
);
COMMENT ON TABLE registrations IS 'class tenant. A number asked for someone declared without one';

-- ── walls ─────────────────────────────────────────────────────────────────────────────────────

DO $walls$
DECLARE
    kind      CONSTANT text := $$current_setting('app.actor_kind', true)$$;
    employer  CONSTANT text := $$nullif(current_setting('app.employer_id', true), '')::bigint$$;
    tenant    CONSTANT text := format(
        $$(employer_id = %2$s AND (%1$s IN ('member', 'officer', 'job') OR (%1$s = 'administrator' AND employer_id = 0)))$$,
        kind, employer);
    walled    text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['draft_revisions', 'line_edits', 'past_findings', 'layouts', 'learnt_words', 'reviews',
                                  'review_changes', 'registrations']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I USING (%s) WITH CHECK (%2$s)', walled, tenant);
    END LOOP;
    EXECUTE format('CREATE POLICY sweeper ON reviews FOR SELECT USING (%s = ''sweeper'')', kind);
END
$walls$;

GRANT SELECT, INSERT ON draft_revisions, line_edits, past_findings, layouts, learnt_words, reviews, review_changes,
    registrations, incoming_review_changes TO teledeclaration_app;
GRANT UPDATE ON draft_revisions, line_edits, layouts, learnt_words, reviews, review_changes, registrations
    TO teledeclaration_app;
GRANT DELETE ON past_findings, layouts, learnt_words, review_changes, incoming_review_changes
    TO teledeclaration_app;
