-- Row-level security, one policy a class (the class is the first words of each table's comment), and
-- what the application's role may do to each table. It owns nothing and bypasses nothing.

DO $walls$
DECLARE
    kind      CONSTANT text := $$current_setting('app.actor_kind', true)$$;
    employer  CONSTANT text := $$nullif(current_setting('app.employer_id', true), '')::bigint$$;
    account   CONSTANT text := $$nullif(current_setting('app.account_id', true), '')::uuid$$;
    lookup    CONSTANT text := $$nullif(current_setting('app.lookup', true), '')$$;
    fund      CONSTANT text := format($$(%1$s = 'administrator' OR (%1$s = 'job' AND %2$s = 0))$$, kind, employer);
    -- The member, officer or job that acts on this employer; an administrator only on the fund itself.
    tenant    CONSTANT text := format(
        $$(employer_id = %2$s AND (%1$s IN ('member', 'officer', 'job') OR (%1$s = 'administrator' AND employer_id = 0)))$$,
        kind, employer);
    own_job   CONSTANT text := format($$(%1$s = 'job' AND employer_id = %2$s)$$, kind, employer);
    sweeper   CONSTANT text := format($$(%s = 'sweeper')$$, kind);
    in_scope  CONSTANT text := format(
        $$(%s = 'officer' AND (current_setting('app.wilayas', true) = 'all'
            OR wilaya = ANY (nullif(nullif(current_setting('app.wilayas', true), ''), 'all')::smallint[])))$$, kind);
    walled    record;
BEGIN
    FOR walled IN
        SELECT c.relname AS name, substring(obj_description(c.oid) FROM '^class ([a-z]+)') AS class
          FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'applied_migrations'
    LOOP
        IF walled.class IS NULL THEN
            RAISE EXCEPTION 'table % has no class', walled.name;
        END IF;
        CONTINUE WHEN walled.class = 'incoming';
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled.name);
        IF walled.class IN ('tenant', 'work', 'declared') THEN
            EXECUTE format('CREATE POLICY tenant ON %I USING (%s) WITH CHECK (%2$s)', walled.name, tenant);
        END IF;
        IF walled.class IN ('work', 'register') THEN
            EXECUTE format('CREATE POLICY sweeper ON %I FOR SELECT USING (%s)', walled.name, sweeper);
        END IF;
        IF walled.class = 'declared' THEN
            EXECUTE format('CREATE POLICY fund ON %I FOR SELECT USING (%s)', walled.name, fund);
        END IF;
        IF walled.class = 'register' THEN
            EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT USING (%s)', walled.name, tenant);
            EXECUTE format('CREATE POLICY fund ON %I USING (%s) WITH CHECK (%2$s)', walled.name, fund);
            EXECUTE format('CREATE POLICY own_job ON %I FOR UPDATE USING (%s) WITH CHECK (%2$s)', walled.name, own_job);
        END IF;
        IF walled.class = 'fund' THEN
            EXECUTE format('CREATE POLICY everyone ON %I FOR SELECT USING (true)', walled.name);
            EXECUTE format('CREATE POLICY fund ON %I USING (%s) WITH CHECK (%2$s)', walled.name, fund);
        END IF;
        IF walled.class = 'person' THEN
            EXECUTE format('CREATE POLICY reader ON %I FOR SELECT USING (%s)', walled.name,
                format($$(%1$s IN ('officer', 'job') OR (%1$s = 'insured' AND person_id = nullif(current_setting('app.person_id', true), '')::bigint))$$, kind));
            EXECUTE format('CREATE POLICY fund ON %I USING (%s) WITH CHECK (%2$s)', walled.name, fund);
        END IF;
    END LOOP;

    -- An officer lists the employers of their wilayas, and enters one through its row.
    EXECUTE format('CREATE POLICY scope ON employers FOR SELECT USING (%s)', in_scope);

    EXECUTE format('CREATE POLICY self ON accounts USING (account_id = %1$s) WITH CHECK (account_id = %1$s)', account);
    EXECUTE format('CREATE POLICY held ON accounts FOR SELECT USING (%1$s = ''stranger'' AND email = %2$s)', kind, lookup);
    EXECUTE format('CREATE POLICY fund ON accounts USING (%s) WITH CHECK (%1$s)', fund);
    EXECUTE format('CREATE POLICY self ON memberships FOR SELECT USING (account_id = %s)', account);
    EXECUTE format('CREATE POLICY employer ON memberships USING (%1$s = ''member'' AND employer_id = %2$s) WITH CHECK (%1$s = ''member'' AND employer_id = %2$s)', kind, employer);
    EXECUTE format('CREATE POLICY fund ON memberships USING (%s) WITH CHECK (%1$s)', fund);
    EXECUTE format('CREATE POLICY self ON fund_roles FOR SELECT USING (account_id = %s)', account);
    EXECUTE format('CREATE POLICY fund ON fund_roles USING (%s) WITH CHECK (%1$s)', fund);
    EXECUTE format('CREATE POLICY self ON sessions USING (account_id = %1$s) WITH CHECK (account_id = %1$s)', account);
    EXECUTE format('CREATE POLICY held ON sessions FOR SELECT USING (%1$s = ''stranger'' AND token_hash = %2$s)', kind, lookup);
    EXECUTE format('CREATE POLICY held ON sign_in_attempts USING (attempt_key = %1$s) WITH CHECK (attempt_key = %1$s)', lookup);
    EXECUTE format('CREATE POLICY fund ON sign_in_attempts USING (%s) WITH CHECK (%1$s)', fund);
    EXECUTE format('CREATE POLICY held ON invitations FOR SELECT USING (%1$s = ''stranger'' AND token_hash = %2$s)', kind, lookup);
    EXECUTE format('CREATE POLICY employer ON invitations USING (%1$s) WITH CHECK (%1$s)', tenant);
    EXECUTE format('CREATE POLICY fund ON invitations USING (%s) WITH CHECK (%1$s)', fund);
    EXECUTE format('CREATE POLICY holder ON api_keys FOR SELECT USING (%1$s = ''stranger'' AND key_hash = %2$s)', kind, lookup);
    EXECUTE format('CREATE POLICY employer ON api_keys USING (%1$s) WITH CHECK (%1$s)', tenant);

    EXECUTE format('CREATE POLICY held ON employer_numbers FOR SELECT USING (number = %s)', lookup);
    EXECUTE format('CREATE POLICY fund ON employer_numbers USING (%s) WITH CHECK (%1$s)', fund);
    EXECUTE format('CREATE POLICY held ON document_codes FOR SELECT USING (code = %s)', lookup);
    EXECUTE format('CREATE POLICY tenant ON document_codes FOR INSERT WITH CHECK (%s)', tenant);
END
$walls$;

GRANT USAGE ON SCHEMA public TO teledeclaration_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO teledeclaration_app;
REVOKE ALL ON applied_migrations FROM teledeclaration_app;
GRANT SELECT ON applied_migrations TO teledeclaration_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO teledeclaration_app;

-- What may change: rows that live, and of rows that count money only what is left of it.
GRANT UPDATE ON employers, payment_centres, employer_contacts, employments, people, insured_numbers, employer_numbers,
    opening_balances, agencies, registry_loads, accounts, memberships, fund_roles, invitations, sign_in_attempts,
    sessions, api_keys, idempotency_keys, outbox, drafts, readings, lines, findings, confirmations, assessments, documents,
    ledger_proofs TO teledeclaration_app;
GRANT UPDATE (remaining) ON dues, credits TO teledeclaration_app;

-- What may go: only what is remade (findings), withdrawn (confirmations, contacts), or passing (keys, incoming rows).
GRANT DELETE ON findings, confirmations, employer_contacts, idempotency_keys, sign_in_attempts, registry_load_findings,
    incoming_lines, incoming_findings TO teledeclaration_app;
