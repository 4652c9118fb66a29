-- The year as it goes: later values of the law, periodic declarations, movements, suspensions of activity, what each
-- period is assessed at, and where the year's declarations do not agree.

-- ── the law's later values ────────────────────────────────────────────────────────────────────

CREATE TABLE legal_values (
    proposal_id       uuid PRIMARY KEY,
    entries           jsonb NOT NULL,
    status            text NOT NULL DEFAULT 'proposed',
    proposed_by       text NOT NULL,
    proposed_account  uuid NOT NULL,
    proposed_at       timestamptz NOT NULL,
    decided_by        text,
    decided_account   uuid,
    decided_at        timestamptz,
    answer            text NOT NULL DEFAULT '',
    CONSTRAINT legal_values_status_known CHECK (status IN ('proposed', 'accepted', 'refused')),
    CONSTRAINT legal_values_decided_whole
        CHECK ((status = 'proposed') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_account IS NULL)),
    CONSTRAINT legal_values_four_eyes CHECK (status <> 'accepted' OR decided_account <> proposed_account)
);
COMMENT ON TABLE legal_values IS 'class fund. Values of the law added after the release, proposed by one administrator and accepted by another';
COMMENT ON COLUMN legal_values.entries IS 'values that only hold together: a list of key and entry, the fields of one [[values]] table of the key''s page';
CREATE INDEX legal_values_in_order ON legal_values (decided_at) WHERE status = 'accepted';

-- ── drafts and declarations of every form ─────────────────────────────────────────────────────

ALTER TABLE drafts
    ADD COLUMN period text,
    ADD COLUMN header jsonb NOT NULL DEFAULT '{}',
    DROP CONSTRAINT drafts_form_known,
    -- annual: bases of a year by quarter · periodic: bases of a month or quarter by employee · totals: the same by
    -- rate line only · movements: entries, exits and changes
    ADD CONSTRAINT drafts_form_known CHECK (form IN ('annual', 'periodic', 'totals', 'movements'));
ALTER TABLE drafts NO FORCE ROW LEVEL SECURITY;
UPDATE drafts SET period = lpad(year::text, 4, '0');
ALTER TABLE drafts FORCE ROW LEVEL SECURITY;
ALTER TABLE drafts ALTER COLUMN period SET NOT NULL;
COMMENT ON COLUMN drafts.period IS 'the code of what is declared: 2025, 2025-Q1 or 2025-01; of movements, their year';
COMMENT ON COLUMN drafts.header IS 'of a periodic declaration: headcount, entries, exits, nothing to declare';

ALTER TABLE uploads
    DROP CONSTRAINT uploads_source_known,
    -- file: a workbook, CSV or text pair · lines: JSON by REST, one part of a series · prepared: made by the platform
    -- from what was declared before
    ADD CONSTRAINT uploads_source_known CHECK (source IN ('file', 'lines', 'prepared'));

-- What a line holds depends on its draft's form (`intake.forms`); columns of other forms stay empty and cost nothing.
-- A movement need not say a rate category.
ALTER TABLE lines
    ALTER COLUMN rate_category DROP NOT NULL,
    ADD COLUMN duration int,
    ADD COLUMN unit text,
    ADD COLUMN amount bigint,
    ADD COLUMN code text,
    ADD COLUMN workers int,
    ADD COLUMN contract_start date,
    ADD COLUMN contract_months int,
    ADD COLUMN justification text,
    ADD COLUMN movement text,
    ADD COLUMN date date,
    ADD COLUMN reason text,
    ADD COLUMN hours_a_week numeric(4, 1);
ALTER TABLE incoming_lines
    ALTER COLUMN rate_category DROP NOT NULL,
    ADD COLUMN duration int,
    ADD COLUMN unit text,
    ADD COLUMN amount bigint,
    ADD COLUMN code text,
    ADD COLUMN workers int,
    ADD COLUMN contract_start date,
    ADD COLUMN contract_months int,
    ADD COLUMN justification text,
    ADD COLUMN movement text,
    ADD COLUMN date date,
    ADD COLUMN reason text,
    ADD COLUMN hours_a_week numeric(4, 1);
COMMENT ON TABLE lines IS 'class tenant. One line of a draft, as read and mended: an employment of a year or period, a rate line''s total, or a movement';

ALTER TABLE declarations
    ADD COLUMN period text,
    ADD COLUMN header jsonb NOT NULL DEFAULT '{}';
ALTER TABLE declarations NO FORCE ROW LEVEL SECURITY;
UPDATE declarations SET period = lpad(year::text, 4, '0');
ALTER TABLE declarations FORCE ROW LEVEL SECURITY;
ALTER TABLE declarations ALTER COLUMN period SET NOT NULL;
-- A period with nothing to declare has no lines, and nothing was read.
ALTER TABLE declarations ALTER COLUMN reading_id DROP NOT NULL;
COMMENT ON COLUMN declarations.q1_amount IS 'bases by quarter of the year, in centimes; a periodic declaration has them in its own quarter';
DROP INDEX declarations_one_normal;
CREATE UNIQUE INDEX declarations_one_normal ON declarations (employer_id, form, centre, period)
    WHERE type = 'N' AND replaces IS NULL;

CREATE TABLE periodic_lines (
    employer_id      bigint NOT NULL,
    declaration_id   uuid NOT NULL,
    line_number      int NOT NULL,
    nss              text,
    last_name        text,
    first_name       text,
    birth_date       date,
    rate_category    text NOT NULL,
    workers          int NOT NULL,
    duration         int,
    unit             text,
    base             bigint NOT NULL,
    contract_start   date,
    contract_months  int,
    justification    text,
    PRIMARY KEY (employer_id, declaration_id, line_number),
    FOREIGN KEY (employer_id, declaration_id) REFERENCES declarations,
    CONSTRAINT periodic_lines_workers_some CHECK (workers >= 0)
);
COMMENT ON TABLE periodic_lines IS 'class declared. The bases of a periodic declaration in centimes: of one employee, or of a rate category in all';
CREATE INDEX periodic_lines_by_nss ON periodic_lines (employer_id, nss) WHERE nss IS NOT NULL;

-- ── movements ─────────────────────────────────────────────────────────────────────────────────

CREATE TABLE movements (
    employer_id    bigint NOT NULL REFERENCES employers,
    movement_id    uuid NOT NULL,
    draft_id       uuid,
    line_number    int,
    kind           text NOT NULL,
    date           date NOT NULL,
    centre         text,
    nss            text,
    last_name      text NOT NULL,
    first_name     text NOT NULL,
    birth_date     date,
    reason         text,
    rate_category  text,
    hours_a_week   numeric(4, 1),
    replaces       uuid,
    withdrawn      boolean NOT NULL DEFAULT false,
    again          int NOT NULL DEFAULT 0,
    tell_by        date,
    told_by        text NOT NULL,
    told_at        timestamptz NOT NULL,
    legal_day      date NOT NULL,
    PRIMARY KEY (employer_id, movement_id),
    FOREIGN KEY (employer_id, draft_id) REFERENCES drafts,
    FOREIGN KEY (employer_id, replaces) REFERENCES movements,
    CONSTRAINT movements_replaced_once UNIQUE (employer_id, replaces),
    CONSTRAINT movements_kind_known CHECK (kind IN ('entry', 'exit', 'change')),
    CONSTRAINT movements_withdrawal_names CHECK (NOT withdrawn OR replaces IS NOT NULL)
);
COMMENT ON TABLE movements IS 'class declared. An entry, exit or change of an employee, as told; never changed: a correction or a withdrawal names the one it replaces';
COMMENT ON COLUMN movements.tell_by IS 'the last day the law leaves to tell it; null where no text is held';
COMMENT ON COLUMN movements.again IS 'how often the same was told before and then corrected or withdrawn';
CREATE UNIQUE INDEX movements_told_once ON movements (employer_id, nss, kind, date, again)
    WHERE replaces IS NULL AND nss IS NOT NULL;
CREATE UNIQUE INDEX movements_told_once_without_number
    ON movements (employer_id, last_name, first_name, birth_date, kind, date, again)
    WHERE replaces IS NULL AND nss IS NULL;
CREATE INDEX movements_by_person ON movements (employer_id, nss);
CREATE INDEX movements_without_number ON movements (employer_id, birth_date) WHERE nss IS NULL;
CREATE INDEX movements_as_told ON movements (employer_id, told_at, movement_id);
CREATE INDEX movements_in_time ON movements (employer_id, date, movement_id);
CREATE INDEX movements_by_draft ON movements (employer_id, draft_id) WHERE draft_id IS NOT NULL;

CREATE UNLOGGED TABLE incoming_movements (batch uuid NOT NULL, LIKE movements INCLUDING DEFAULTS);
COMMENT ON TABLE incoming_movements IS 'class incoming. COPY''s way into movements';
CREATE INDEX incoming_movements_by_batch ON incoming_movements (employer_id, batch);

ALTER TABLE registrations
    ADD COLUMN movement_id uuid,
    ALTER COLUMN declaration_id DROP NOT NULL,
    ALTER COLUMN line_number DROP NOT NULL,
    ADD CONSTRAINT registrations_movement_once UNIQUE (employer_id, movement_id),
    ADD CONSTRAINT registrations_movement_told FOREIGN KEY (employer_id, movement_id) REFERENCES movements,
    ADD CONSTRAINT registrations_of_something CHECK (num_nonnulls(declaration_id, movement_id) = 1);
COMMENT ON TABLE registrations IS 'class tenant. A number asked for someone declared, or hired, without one';

-- ── suspension of activity ────────────────────────────────────────────────────────────────────

CREATE TABLE suspensions (
    employer_id    bigint NOT NULL REFERENCES employers,
    suspension_id  uuid NOT NULL,
    centre         text NOT NULL,
    first_day      date NOT NULL,
    last_day       date,
    reason         text NOT NULL,
    status         text NOT NULL DEFAULT 'requested',
    requested_by   text NOT NULL,
    requested_at   timestamptz NOT NULL,
    decided_by     text,
    decided_at     timestamptz,
    answer         text,
    resumed_by     text,
    resumed_at     timestamptz,
    PRIMARY KEY (employer_id, suspension_id),
    FOREIGN KEY (employer_id, centre) REFERENCES payment_centres,
    CONSTRAINT suspensions_status_known CHECK (status IN ('requested', 'accepted', 'refused', 'withdrawn')),
    CONSTRAINT suspensions_days_in_order CHECK (last_day >= first_day)
);
COMMENT ON TABLE suspensions IS 'class tenant. A time without activity, asked for by the employer and decided by an officer: no periodic declaration is due in it';
COMMENT ON COLUMN suspensions.last_day IS 'null until the employer says that activity begins again';
CREATE INDEX suspensions_by_centre ON suspensions (employer_id, centre, first_day);
CREATE UNIQUE INDEX suspensions_one_open ON suspensions (employer_id, centre)
    WHERE last_day IS NULL AND status IN ('requested', 'accepted');

-- ── what a period is assessed at ──────────────────────────────────────────────────────────────

CREATE TABLE assessed_periods (
    employer_id  bigint NOT NULL REFERENCES employers,
    centre       text NOT NULL,
    period       text NOT NULL,
    amounts      jsonb NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (employer_id, centre, period)
);
COMMENT ON TABLE assessed_periods IS 'class tenant. What a centre''s period is assessed at by all that was declared, and so what of it is booked; of a quarter, also what the annual declaration adds to its months. The row of the year itself is held while the year is assessed';
COMMENT ON COLUMN assessed_periods.amounts IS 'schemas.assessments.AssessedAmounts; of a year, what was booked for it as a whole before periods were';

-- Annual declarations were booked for their year as a whole: the next assessment of that year moves it to its quarters.
ALTER TABLE assessments NO FORCE ROW LEVEL SECURITY;
ALTER TABLE declarations NO FORCE ROW LEVEL SECURITY;
INSERT INTO assessed_periods (employer_id, centre, period, amounts, updated_at)
SELECT DISTINCT ON (d.employer_id, d.centre, d.period) d.employer_id, d.centre, d.period, a.amounts, a.assessed_at
  FROM assessments a JOIN declarations d ON d.employer_id = a.employer_id AND d.declaration_id = a.declaration_id
 WHERE a.status = 'assessed'
 ORDER BY d.employer_id, d.centre, d.period, d.filed_at DESC, d.number DESC;
ALTER TABLE assessments FORCE ROW LEVEL SECURITY;
ALTER TABLE declarations FORCE ROW LEVEL SECURITY;

-- One assessment opens dues of several periods.
ALTER TABLE dues
    DROP CONSTRAINT dues_origin_once,
    ADD CONSTRAINT dues_origin_once UNIQUE (employer_id, origin, origin_ref, period, nature, payer);

CREATE TABLE provisional_assessments (
    employer_id     bigint NOT NULL REFERENCES employers,
    provisional_id  uuid NOT NULL,
    centre          text NOT NULL,
    period          text NOT NULL,
    taken_from      text NOT NULL,
    source_periods  text[] NOT NULL,
    bases           jsonb NOT NULL,
    amounts         jsonb NOT NULL,
    increase        bigint NOT NULL,
    made_by         text NOT NULL,
    made_at         timestamptz NOT NULL,
    legal_day       date NOT NULL,
    booked_at       timestamptz,
    difference      bigint,
    replaced_by     uuid,
    replaced_at     timestamptz,
    increase_kept   bigint NOT NULL,
    PRIMARY KEY (employer_id, provisional_id),
    CONSTRAINT provisional_assessments_once UNIQUE (employer_id, centre, period),
    FOREIGN KEY (employer_id, centre) REFERENCES payment_centres,
    FOREIGN KEY (employer_id, replaced_by) REFERENCES declarations,
    CONSTRAINT provisional_assessments_booked_whole CHECK ((booked_at IS NULL) = (difference IS NULL))
);
COMMENT ON TABLE provisional_assessments IS 'class work. What the fund reckons for a period not declared, with its increase, until the declaration comes; it waits to be booked';
COMMENT ON COLUMN provisional_assessments.bases IS 'by rate category, in centimes; they stand for the period''s until it is declared';
COMMENT ON COLUMN provisional_assessments.difference IS 'what its booking changed in contributions, in centimes';
COMMENT ON COLUMN provisional_assessments.increase_kept IS 'what of the increase stays owed: all of it until the period is declared, and after as the law says';
CREATE INDEX provisional_assessments_waiting ON provisional_assessments (made_at) WHERE booked_at IS NULL;

-- ── where the year does not agree ─────────────────────────────────────────────────────────────

CREATE TABLE reconciliations (
    employer_id   bigint NOT NULL REFERENCES employers,
    centre        text NOT NULL,
    year          int NOT NULL,
    wilaya        smallint NOT NULL,
    status        text NOT NULL DEFAULT 'waiting',
    attempt       int NOT NULL DEFAULT 0,
    lease         uuid,
    leased_until  timestamptz,
    asked_at      timestamptz NOT NULL,
    done_at       timestamptz,
    facts         jsonb NOT NULL DEFAULT '{}',
    lines         int,
    differences   int,
    at_stake      bigint,
    PRIMARY KEY (employer_id, centre, year),
    -- waiting: to be compared, or compared again · done: its differences are stored · failed: a human is asked
    CONSTRAINT reconciliations_status_known CHECK (status IN ('waiting', 'done', 'failed'))
);
COMMENT ON TABLE reconciliations IS 'class work. The last comparison of a centre''s year: periodic and annual declarations, movements, minimum wage, last year, dues; officers list those of their wilayas';
COMMENT ON COLUMN reconciliations.at_stake IS 'contributions that the differences are worth, in centimes, each counted without its sign';
CREATE INDEX reconciliations_waiting ON reconciliations (asked_at) WHERE status = 'waiting';
CREATE INDEX reconciliations_by_stake ON reconciliations (year, at_stake DESC, employer_id) WHERE at_stake > 0;

CREATE TABLE year_differences (
    employer_id   bigint NOT NULL,
    centre        text NOT NULL,
    year          int NOT NULL,
    difference    int NOT NULL,
    mark          text NOT NULL,
    kind          text NOT NULL,
    period        text,
    nss           text,
    last_name     text,
    first_name    text,
    birth_date    date,
    declared      bigint,
    expected      bigint,
    contributions bigint NOT NULL DEFAULT 0,
    cause         text,
    action        text NOT NULL,
    facts         jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (employer_id, centre, year, difference),
    FOREIGN KEY (employer_id, centre, year) REFERENCES reconciliations
);
COMMENT ON TABLE year_differences IS 'class tenant. One thing of a year that does not agree: whose, in which period, what it is worth in contributions (centimes), why, and what to do';
COMMENT ON COLUMN year_differences.mark IS 'what makes it the same difference in another comparison';
CREATE INDEX year_differences_by_kind ON year_differences (employer_id, centre, year, kind, difference);

CREATE TABLE accepted_differences (
    employer_id  bigint NOT NULL REFERENCES employers,
    centre       text NOT NULL,
    year         int NOT NULL,
    mark         text NOT NULL,
    reason       text NOT NULL,
    accepted_by  text NOT NULL,
    accepted_at  timestamptz NOT NULL,
    PRIMARY KEY (employer_id, centre, year, mark)
);
COMMENT ON TABLE accepted_differences IS 'class tenant. A difference the employer stands by, with the reason given';

CREATE UNLOGGED TABLE incoming_year_differences (LIKE year_differences INCLUDING DEFAULTS);
COMMENT ON TABLE incoming_year_differences IS 'class incoming. COPY''s way into year_differences';
CREATE INDEX incoming_year_differences_by_year ON incoming_year_differences (employer_id, centre, year);

-- ── walls ─────────────────────────────────────────────────────────────────────────────────────

DO $walls$
DECLARE
    kind      CONSTANT text := $$current_setting('app.actor_kind', true)$$;
    employer  CONSTANT text := $$nullif(current_setting('app.employer_id', true), '')::bigint$$;
    fund      CONSTANT text := format($$(%1$s = 'administrator' OR (%1$s = 'job' AND %2$s = 0))$$, kind, employer);
    tenant    CONSTANT text := format(
        $$(employer_id = %2$s AND (%1$s IN ('member', 'officer', 'job') OR (%1$s = 'administrator' AND employer_id = 0)))$$,
        kind, employer);
    in_scope  CONSTANT text := format(
        $$(%s = 'officer' AND (current_setting('app.wilayas', true) = 'all'
            OR wilaya = ANY (nullif(nullif(current_setting('app.wilayas', true), ''), 'all')::smallint[])))$$, kind);
    walled    text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['periodic_lines', 'movements', 'suspensions', 'assessed_periods',
                                  'provisional_assessments', 'reconciliations', 'year_differences',
                                  'accepted_differences']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY tenant ON %I USING (%s) WITH CHECK (%2$s)', walled, tenant);
    END LOOP;
    FOREACH walled IN ARRAY ARRAY['periodic_lines', 'movements']
    LOOP
        EXECUTE format('CREATE POLICY fund ON %I FOR SELECT USING (%s)', walled, fund);
    END LOOP;
    EXECUTE format('CREATE POLICY sweeper ON reconciliations FOR SELECT USING (%s = ''sweeper'')', kind);
    EXECUTE format('CREATE POLICY sweeper ON provisional_assessments FOR SELECT USING (%s = ''sweeper'')', kind);
    -- An officer lists the years of their wilayas that do not agree, and enters one through its employer.
    EXECUTE format('CREATE POLICY scope ON reconciliations FOR SELECT USING (%s)', in_scope);
    ALTER TABLE legal_values ENABLE ROW LEVEL SECURITY;
    ALTER TABLE legal_values FORCE ROW LEVEL SECURITY;
    CREATE POLICY everyone ON legal_values FOR SELECT USING (true);
    EXECUTE format('CREATE POLICY fund ON legal_values USING (%s) WITH CHECK (%1$s)', fund);
END
$walls$;

GRANT SELECT, INSERT ON legal_values, periodic_lines, movements, suspensions, assessed_periods, provisional_assessments,
    reconciliations, year_differences, accepted_differences, incoming_year_differences, incoming_movements TO teledeclaration_app;
GRANT UPDATE (status, decided_by, decided_account, decided_at, answer) ON legal_values TO teledeclaration_app;
GRANT UPDATE (booked_at, difference, replaced_by, replaced_at, increase_kept) ON provisional_assessments
    TO teledeclaration_app;
GRANT UPDATE ON suspensions, assessed_periods, reconciliations TO teledeclaration_app;
GRANT DELETE ON year_differences, accepted_differences, incoming_year_differences, incoming_movements TO teledeclaration_app;
