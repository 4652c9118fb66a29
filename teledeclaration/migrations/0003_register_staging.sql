-- How the fund's registers are loaded (COPY into a table without policies, then INSERT … SELECT, all in one
-- transaction), looked up by number and name, and how what was declared is told back in an order that skips nothing.

CREATE UNLOGGED TABLE incoming_people (
    load_id          uuid NOT NULL,
    batch            int NOT NULL,
    row              bigint NOT NULL,
    nss              text,
    last_name        text,
    first_name       text,
    last_name_ar     text,
    first_name_ar    text,
    birth_date       date,
    birth_place      text,
    former_nss       text,
    merged_into_nss  text
);
COMMENT ON TABLE incoming_people IS 'class incoming. COPY''s way into people; null leaves a field as it is, empty (or -infinity) empties it';
CREATE INDEX incoming_people_by_batch ON incoming_people (load_id, batch);

CREATE UNLOGGED TABLE incoming_employers (
    load_id                uuid NOT NULL,
    batch                  int NOT NULL,
    row                    bigint NOT NULL,
    number                 text,
    name                   text,
    name_ar                text,
    legal_form             text,
    sector                 text,
    building_sector        boolean,
    wilaya                 smallint,
    agency                 text,
    agency_name            text,
    agency_name_ar         text,
    centres                text,
    address                text,
    periodicity            text,
    public_administration  boolean,
    bank_account           text,
    tax_number             text,
    trade_register         text,
    opened_on              date,
    closed_on              date,
    merged_into_number     text,
    main_employer_number   text
);
COMMENT ON TABLE incoming_employers IS 'class incoming. COPY''s way into employers';
CREATE INDEX incoming_employers_by_batch ON incoming_employers (load_id, batch);

CREATE UNLOGGED TABLE incoming_employments (
    load_id        uuid NOT NULL,
    batch          int NOT NULL,
    row            bigint NOT NULL,
    number         text,
    nss            text,
    entry_date     date,
    exit_date      date,
    centre         text,
    rate_category  text
);
COMMENT ON TABLE incoming_employments IS 'class incoming. COPY''s way into employments';
CREATE INDEX incoming_employments_by_batch ON incoming_employments (load_id, batch);

CREATE UNLOGGED TABLE incoming_contacts (
    load_id    uuid NOT NULL,
    batch      int NOT NULL,
    row        bigint NOT NULL,
    number     text,
    kind       text,
    contact    text,
    name       text,
    withdrawn  boolean
);
COMMENT ON TABLE incoming_contacts IS 'class incoming. COPY''s way into employer_contacts';
CREATE INDEX incoming_contacts_by_batch ON incoming_contacts (load_id, batch);

CREATE UNLOGGED TABLE incoming_balances (
    load_id  uuid NOT NULL,
    batch    int NOT NULL,
    row      bigint NOT NULL,
    number   text,
    centre   text,
    period   text,
    nature   text,
    payer    text,
    amount   bigint,
    due_on   date
);
COMMENT ON TABLE incoming_balances IS 'class incoming. COPY''s way into opening_balances';
CREATE INDEX incoming_balances_by_batch ON incoming_balances (load_id, batch);

CREATE UNLOGGED TABLE incoming_load_findings (LIKE registry_load_findings INCLUDING DEFAULTS);
COMMENT ON TABLE incoming_load_findings IS 'class incoming. COPY''s way into registry_load_findings';
CREATE INDEX incoming_load_findings_by_load ON incoming_load_findings (load_id);

GRANT SELECT, INSERT, DELETE ON incoming_people, incoming_employers, incoming_employments, incoming_contacts,
    incoming_balances, incoming_load_findings TO teledeclaration_app;

ALTER TABLE registry_loads
    ADD COLUMN reason text,
    ADD COLUMN reason_values jsonb NOT NULL DEFAULT '{}';
COMMENT ON TABLE registry_load_findings IS 'class routing. From a row of a register''s file to what was wrong there; it holds numbers and names, so only the fund''s systems read it';
COMMENT ON COLUMN registry_loads.reason IS 'why the file was refused; its words stand under registers.refused.<reason>';
CREATE INDEX registry_loads_waiting ON registry_loads (created_at) WHERE status = 'waiting';
CREATE INDEX registry_load_findings_by_code ON registry_load_findings (load_id, code, finding);

-- A merged person's numbers and employments move with them; an officer looks people up by name.
CREATE INDEX insured_numbers_by_person ON insured_numbers (person_id);
CREATE INDEX employments_by_person ON employments (person_id);
CREATE INDEX people_merged ON people (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX people_by_name ON people (last_name text_pattern_ops, first_name text_pattern_ops);

-- ── what was declared, told back ──────────────────────────────────────────────────────────────

-- Two filings commit in another order than the clock gave them, so no order of theirs is safe to read on from.
-- Whoever reads the feed first numbers the filings that have no position yet, one reader at a time: positions appear
-- in the order they are given, and none is given below one that was already read.
CREATE TABLE declared_positions (
    position        bigint PRIMARY KEY,
    employer_id     bigint NOT NULL,
    declaration_id  uuid NOT NULL,
    filed_at        timestamptz NOT NULL,
    legal_day       date NOT NULL,
    CONSTRAINT declared_positions_once UNIQUE (declaration_id)
);
COMMENT ON TABLE declared_positions IS 'class routing. The live declarations in the order the fund''s systems are told of them';
CREATE INDEX declared_positions_by_time ON declared_positions (filed_at);
CREATE INDEX declared_positions_by_day ON declared_positions (legal_day, position);
GRANT SELECT, INSERT ON declared_positions TO teledeclaration_app;

DO $walls$
DECLARE
    kind      CONSTANT text := $$current_setting('app.actor_kind', true)$$;
    employer  CONSTANT text := $$nullif(current_setting('app.employer_id', true), '')::bigint$$;
    account   CONSTANT text := $$nullif(current_setting('app.account_id', true), '')::uuid$$;
    fund      CONSTANT text := format($$(%1$s = 'administrator' OR (%1$s = 'job' AND %2$s = 0))$$, kind, employer);
    own_looks CONSTANT text := format($$(%s = 'officer' AND employer_id = 0 AND account_id = %s)$$, kind, account);
BEGIN
    ALTER TABLE declared_positions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE declared_positions FORCE ROW LEVEL SECURITY;
    EXECUTE format('CREATE POLICY fund ON declared_positions USING (%s) WITH CHECK (%1$s)', fund);
    -- What the findings saw are people's data: no member, officer or insured reads them.
    DROP POLICY everyone ON registry_load_findings;
    -- An officer's looks at people belong to no employer: they stand in the fund's own journal.
    EXECUTE format('CREATE POLICY own_looks ON journal FOR INSERT WITH CHECK (%s)', own_looks);
    EXECUTE format('CREATE POLICY own_looks_counted ON journal FOR SELECT USING (%s)', own_looks);
END
$walls$;
