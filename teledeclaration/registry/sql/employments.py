"""Employments: a person at an employer, one spell."""

from teledeclaration.registry.sql.steps import Statements, Step

EMPLOYMENTS = Statements(
    refusals="""
        SELECT i.row, 'number' AS field, 'employer_unknown' AS code, i.number AS seen
          FROM incoming_employments i
         WHERE i.load_id = $1 AND i.batch = $2
           AND NOT EXISTS (SELECT FROM employer_numbers n WHERE n.number = i.number AND n.mode = 'live')
        UNION ALL
        SELECT i.row, 'nss', 'person_unknown', i.nss
          FROM incoming_employments i
         WHERE i.load_id = $1 AND i.batch = $2
           AND NOT EXISTS (SELECT FROM insured_numbers k WHERE k.nss = i.nss)
        UNION ALL
        SELECT i.row, 'centre', 'centre_unknown', i.centre
          FROM incoming_employments i
          JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
         WHERE i.load_id = $1 AND i.batch = $2 AND i.centre <> ''
           AND NOT EXISTS (SELECT FROM payment_centres c
                            WHERE c.employer_id = n.employer_id AND c.centre = i.centre)
        UNION ALL
        SELECT i.row, 'exit_date', 'dates_in_wrong_order', to_char(coalesce(i.exit_date, e.exit_date), 'YYYY-MM-DD')
          FROM incoming_employments i
          LEFT JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
          LEFT JOIN insured_numbers k ON k.nss = i.nss
          LEFT JOIN employments e ON e.employer_id = n.employer_id AND e.person_id = k.person_id
                                 AND e.entry_date = i.entry_date
         WHERE i.load_id = $1 AND i.batch = $2
           AND nullif(coalesce(i.exit_date, e.exit_date), '-infinity') < i.entry_date
    """,
    steps=(
        Step(
            "new",
            """
            INSERT INTO employments (employer_id, person_id, entry_date, exit_date, centre, rate_category, nss,
                                     updated_at)
            SELECT DISTINCT ON (n.employer_id, k.person_id, i.entry_date)
                   n.employer_id, k.person_id, i.entry_date, nullif(i.exit_date, '-infinity'),
                   nullif(i.centre, ''), coalesce(i.rate_category, 'general'), i.nss, $3
              FROM incoming_employments i
              JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
              JOIN insured_numbers k ON k.nss = i.nss
              LEFT JOIN employments e ON e.employer_id = n.employer_id AND e.person_id = k.person_id
                                     AND e.entry_date = i.entry_date
             WHERE i.load_id = $1 AND i.batch = $2 AND e.employer_id IS NULL
            ON CONFLICT DO NOTHING
            """,
            timed=True,
        ),
        Step(
            "updated",
            """
            UPDATE employments e
               SET exit_date = nullif(coalesce(i.exit_date, e.exit_date), '-infinity'),
                   centre = nullif(coalesce(i.centre, e.centre), ''),
                   rate_category = coalesce(i.rate_category, e.rate_category), nss = i.nss, updated_at = $3
              FROM incoming_employments i
              JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
              JOIN insured_numbers k ON k.nss = i.nss
             WHERE i.load_id = $1 AND i.batch = $2
               AND e.employer_id = n.employer_id AND e.person_id = k.person_id AND e.entry_date = i.entry_date
               AND (e.exit_date, e.centre, e.rate_category, e.nss)
                   IS DISTINCT FROM
                   (nullif(coalesce(i.exit_date, e.exit_date), '-infinity'), nullif(coalesce(i.centre, e.centre), ''),
                    coalesce(i.rate_category, e.rate_category), i.nss)
            """,
            timed=True,
        ),
    ),
    absent="""
        SELECT n.number || ' ' || e.nss || ' ' || to_char(e.entry_date, 'YYYY-MM-DD') AS seen,
               count(*) OVER () AS absent
          FROM employments e
          JOIN employers n ON n.employer_id = e.employer_id AND n.mode = 'live'
          LEFT JOIN (SELECT x.employer_id, k.person_id, i.entry_date
                       FROM incoming_employments i
                       JOIN employer_numbers x ON x.number = i.number AND x.mode = 'live'
                       JOIN insured_numbers k ON k.nss = i.nss
                      WHERE i.load_id = $1 AND i.batch = $2) AS told USING (employer_id, person_id, entry_date)
         WHERE told.employer_id IS NULL
         ORDER BY 1 LIMIT $3
    """,
)
