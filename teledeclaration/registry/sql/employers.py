"""Employers with their agencies and payment centres, secondary sites and mergers."""

from teledeclaration.registry.sql.steps import Statements, Step

EMPLOYERS = Statements(
    refusals="""
        SELECT i.row, 'merged_into_number' AS field, 'employer_unknown' AS code, i.merged_into_number AS seen
          FROM incoming_employers i
         WHERE i.load_id = $1 AND i.batch = $2 AND i.merged_into_number <> ''
           AND NOT EXISTS (SELECT FROM employer_numbers t WHERE t.number = i.merged_into_number AND t.mode = 'live')
           AND NOT EXISTS (SELECT FROM incoming_employers o
                            WHERE o.load_id = $1 AND o.batch = $2 AND o.number = i.merged_into_number)
        UNION ALL
        SELECT i.row, 'main_employer_number', 'employer_unknown', i.main_employer_number
          FROM incoming_employers i
         WHERE i.load_id = $1 AND i.batch = $2 AND i.main_employer_number <> ''
           AND NOT EXISTS (SELECT FROM employer_numbers t WHERE t.number = i.main_employer_number AND t.mode = 'live')
           AND NOT EXISTS (SELECT FROM incoming_employers o
                            WHERE o.load_id = $1 AND o.batch = $2 AND o.number = i.main_employer_number)
        UNION ALL
        SELECT i.row, 'closed_on', 'dates_in_wrong_order', to_char(coalesce(i.closed_on, e.closed_on), 'YYYY-MM-DD')
          FROM incoming_employers i
          LEFT JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
          LEFT JOIN employers e ON e.employer_id = n.employer_id
         WHERE i.load_id = $1 AND i.batch = $2
           AND nullif(coalesce(i.closed_on, e.closed_on), '-infinity')
               < nullif(coalesce(i.opened_on, e.opened_on), '-infinity')
        UNION ALL
        SELECT i.row, 'number', 'number_of_the_fund', i.number
          FROM incoming_employers i
         WHERE i.load_id = $1 AND i.batch = $2 AND i.number = '0000000000'
    """,
    steps=(
        Step(
            "nothing",
            """
            INSERT INTO agencies (agency, wilaya, name, name_ar)
            SELECT DISTINCT ON (i.agency) i.agency, i.wilaya, coalesce(nullif(i.agency_name, ''), i.agency),
                   coalesce(nullif(i.agency_name_ar, ''), nullif(i.agency_name, ''), i.agency)
              FROM incoming_employers i
             WHERE i.load_id = $1 AND i.batch = $2
             ORDER BY i.agency, i.agency_name IS NULL, i.row
            ON CONFLICT DO NOTHING
            """,
        ),
        Step(
            "new",
            """
            INSERT INTO employer_numbers (number, mode, employer_id)
            SELECT i.number, 'live', nextval('employers_employer_id_seq')
              FROM incoming_employers i
              LEFT JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
             WHERE i.load_id = $1 AND i.batch = $2 AND n.number IS NULL
            ON CONFLICT DO NOTHING
            """,
        ),
        Step(
            "written",
            """
            INSERT INTO employers (employer_id, number, name, name_ar, legal_form, sector, building_sector, wilaya,
                                   agency, address, periodicity, public_administration, bank_account, tax_number,
                                   trade_register, opened_on, closed_on, merged_into, main_employer, updated_at)
            SELECT c.*, $3
              FROM (
                SELECT n.employer_id, i.number, i.name,
                       coalesce(i.name_ar, e.name_ar, '') AS name_ar,
                       coalesce(i.legal_form, e.legal_form, '') AS legal_form,
                       coalesce(i.sector, e.sector, '') AS sector,
                       coalesce(i.building_sector, e.building_sector, false) AS building_sector,
                       i.wilaya, i.agency,
                       coalesce(i.address, e.address, '') AS address,
                       coalesce(i.periodicity, e.periodicity, 'quarterly') AS periodicity,
                       coalesce(i.public_administration, e.public_administration, false) AS public_administration,
                       nullif(coalesce(i.bank_account, e.bank_account), '') AS bank_account,
                       nullif(coalesce(i.tax_number, e.tax_number), '') AS tax_number,
                       nullif(coalesce(i.trade_register, e.trade_register), '') AS trade_register,
                       nullif(coalesce(i.opened_on, e.opened_on), '-infinity') AS opened_on,
                       nullif(coalesce(i.closed_on, e.closed_on), '-infinity') AS closed_on,
                       CASE WHEN i.merged_into_number IS NULL THEN e.merged_into ELSE m.employer_id END AS merged_into,
                       CASE WHEN i.main_employer_number IS NULL THEN e.main_employer ELSE s.employer_id END
                           AS main_employer
                  FROM incoming_employers i
                  JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
                  LEFT JOIN employers e ON e.employer_id = n.employer_id
                  LEFT JOIN employer_numbers m ON m.number = i.merged_into_number AND m.mode = 'live'
                  LEFT JOIN employer_numbers s ON s.number = i.main_employer_number AND s.mode = 'live'
                 WHERE i.load_id = $1 AND i.batch = $2
              ) AS c
              LEFT JOIN employers e ON e.employer_id = c.employer_id
             WHERE e.employer_id IS NULL
                OR (e.name, e.name_ar, e.legal_form, e.sector, e.building_sector, e.wilaya, e.agency, e.address,
                    e.periodicity, e.public_administration, e.bank_account, e.tax_number, e.trade_register,
                    e.opened_on, e.closed_on, e.merged_into, e.main_employer)
                   IS DISTINCT FROM
                   (c.name, c.name_ar, c.legal_form, c.sector, c.building_sector, c.wilaya, c.agency, c.address,
                    c.periodicity, c.public_administration, c.bank_account, c.tax_number, c.trade_register,
                    c.opened_on, c.closed_on, c.merged_into, c.main_employer)
            ON CONFLICT (employer_id) DO UPDATE
               SET name = excluded.name, name_ar = excluded.name_ar, legal_form = excluded.legal_form,
                   sector = excluded.sector, building_sector = excluded.building_sector, wilaya = excluded.wilaya,
                   agency = excluded.agency, address = excluded.address, periodicity = excluded.periodicity,
                   public_administration = excluded.public_administration, bank_account = excluded.bank_account,
                   tax_number = excluded.tax_number, trade_register = excluded.trade_register,
                   opened_on = excluded.opened_on, closed_on = excluded.closed_on,
                   merged_into = excluded.merged_into, main_employer = excluded.main_employer,
                   updated_at = excluded.updated_at
            """,
            timed=True,
        ),
        Step(
            "nothing",
            """
            INSERT INTO agencies (agency, wilaya, name, name_ar)
            SELECT DISTINCT ON (split_part(c, '@', 2)) split_part(c, '@', 2), i.wilaya, split_part(c, '@', 2),
                   split_part(c, '@', 2)
              FROM incoming_employers i, unnest(string_to_array(i.centres, ' ')) AS c
             WHERE i.load_id = $1 AND i.batch = $2 AND c LIKE '%@%'
             ORDER BY split_part(c, '@', 2), i.row
            ON CONFLICT DO NOTHING
            """,
        ),
        Step(
            "nothing",
            """
            INSERT INTO payment_centres (employer_id, centre, agency)
            SELECT DISTINCT ON (n.employer_id, split_part(c, '@', 1))
                   n.employer_id, split_part(c, '@', 1), coalesce(nullif(split_part(c, '@', 2), ''), i.agency)
              FROM incoming_employers i
              JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live',
                   unnest(string_to_array(i.centres, ' ')) AS c
             WHERE i.load_id = $1 AND i.batch = $2
            ON CONFLICT DO NOTHING
            """,
        ),
    ),
    absent="""
        SELECT e.number AS seen, count(*) OVER () AS absent
          FROM employers e
         WHERE e.mode = 'live' AND e.employer_id <> 0
           AND NOT EXISTS (SELECT FROM incoming_employers i
                            WHERE i.load_id = $1 AND i.batch = $2 AND i.number = e.number)
         ORDER BY e.number LIMIT $3
    """,
)
