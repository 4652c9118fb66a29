"""The insured: a number leads to a person, a corrected or merged number goes on leading to one."""

from teledeclaration.registry.sql.steps import Statements, Step

PEOPLE = Statements(
    refusals="""
        SELECT i.row, 'nss' AS field, 'number_replaced' AS code, i.nss AS seen
          FROM incoming_people i
          JOIN insured_numbers n ON n.nss = i.nss
          JOIN people p ON p.person_id = n.person_id
         WHERE i.load_id = $1 AND i.batch = $2 AND i.merged_into_nss IS NULL
           AND p.nss <> i.nss AND i.former_nss IS DISTINCT FROM p.nss
        UNION ALL
        SELECT i.row, 'former_nss', 'number_of_another', i.former_nss
          FROM incoming_people i
          JOIN insured_numbers n ON n.nss = i.nss
          JOIN insured_numbers f ON f.nss = i.former_nss
         WHERE i.load_id = $1 AND i.batch = $2 AND i.merged_into_nss IS NULL AND n.person_id <> f.person_id
        UNION ALL
        SELECT i.row, 'merged_into_nss', 'person_unknown', i.merged_into_nss
          FROM incoming_people i
         WHERE i.load_id = $1 AND i.batch = $2 AND i.merged_into_nss IS NOT NULL
           AND NOT EXISTS (SELECT FROM insured_numbers t WHERE t.nss = i.merged_into_nss)
    """,
    steps=(
        Step(
            "numbered",
            """
            INSERT INTO insured_numbers (nss, person_id)
            SELECT i.nss, f.person_id
              FROM incoming_people i JOIN insured_numbers f ON f.nss = i.former_nss
             WHERE i.load_id = $1 AND i.batch = $2 AND i.merged_into_nss IS NULL
            ON CONFLICT DO NOTHING
            """,
            links=True,
        ),
        Step(
            "new",
            """
            INSERT INTO insured_numbers (nss, person_id)
            SELECT i.nss, nextval('people_person_id_seq')
              FROM incoming_people i LEFT JOIN insured_numbers n ON n.nss = i.nss
             WHERE i.load_id = $1 AND i.batch = $2 AND i.merged_into_nss IS NULL AND n.nss IS NULL
            ON CONFLICT DO NOTHING
            """,
        ),
        Step(
            "nothing",
            """
            INSERT INTO insured_numbers (nss, person_id)
            SELECT i.former_nss, n.person_id
              FROM incoming_people i JOIN insured_numbers n ON n.nss = i.nss
             WHERE i.load_id = $1 AND i.batch = $2 AND i.merged_into_nss IS NULL AND i.former_nss IS NOT NULL
            ON CONFLICT DO NOTHING
            """,
            links=True,
        ),
        Step(
            "written",
            """
            INSERT INTO people (person_id, nss, last_name, first_name, last_name_ar, first_name_ar,
                                birth_date, birth_place, updated_at)
            SELECT DISTINCT ON (n.person_id)
                   n.person_id, i.nss, i.last_name, i.first_name,
                   coalesce(i.last_name_ar, p.last_name_ar, ''), coalesce(i.first_name_ar, p.first_name_ar, ''),
                   nullif(coalesce(i.birth_date, p.birth_date), '-infinity'),
                   coalesce(i.birth_place, p.birth_place, ''), $3
              FROM incoming_people i
              JOIN insured_numbers n ON n.nss = i.nss
              LEFT JOIN people p ON p.person_id = n.person_id
             WHERE i.load_id = $1 AND i.batch = $2 AND i.merged_into_nss IS NULL
               AND (p.person_id IS NULL
                    OR (p.nss, p.last_name, p.first_name, p.last_name_ar, p.first_name_ar, p.birth_date, p.birth_place)
                       IS DISTINCT FROM
                       (i.nss, i.last_name, i.first_name, coalesce(i.last_name_ar, p.last_name_ar),
                        coalesce(i.first_name_ar, p.first_name_ar),
                        nullif(coalesce(i.birth_date, p.birth_date), '-infinity'),
                        coalesce(i.birth_place, p.birth_place)))
            ON CONFLICT (person_id) DO UPDATE
               SET nss = excluded.nss, last_name = excluded.last_name, first_name = excluded.first_name,
                   last_name_ar = excluded.last_name_ar, first_name_ar = excluded.first_name_ar,
                   birth_date = excluded.birth_date, birth_place = excluded.birth_place,
                   updated_at = excluded.updated_at
            """,
            timed=True,
        ),
        Step(
            "merged",
            """
            INSERT INTO insured_numbers (nss, person_id)
            SELECT i.nss, t.person_id
              FROM incoming_people i JOIN insured_numbers t ON t.nss = i.merged_into_nss
             WHERE i.load_id = $1 AND i.batch = $2
            ON CONFLICT DO NOTHING
            """,
            links=True,
        ),
        Step(
            "merged",
            """
            UPDATE people p
               SET merged_into = t.person_id, updated_at = $3
              FROM incoming_people i
              JOIN insured_numbers n ON n.nss = i.nss
              JOIN insured_numbers t ON t.nss = i.merged_into_nss
             WHERE i.load_id = $1 AND i.batch = $2 AND n.person_id <> t.person_id AND p.person_id = n.person_id
            """,
            timed=True,
            links=True,
        ),
        Step(
            "nothing",
            """
            UPDATE people p
               SET merged_into = t.person_id, updated_at = $3
              FROM incoming_people i
              JOIN insured_numbers n ON n.nss = i.nss
              JOIN insured_numbers t ON t.nss = i.merged_into_nss
             WHERE i.load_id = $1 AND i.batch = $2 AND n.person_id <> t.person_id AND p.merged_into = n.person_id
            """,
            timed=True,
            links=True,
        ),
        Step(
            "nothing",
            """
            UPDATE employments e
               SET person_id = t.person_id, updated_at = $3
              FROM incoming_people i
              JOIN insured_numbers n ON n.nss = i.nss
              JOIN insured_numbers t ON t.nss = i.merged_into_nss
             WHERE i.load_id = $1 AND i.batch = $2 AND n.person_id <> t.person_id AND e.person_id = n.person_id
               AND NOT EXISTS (SELECT FROM employments o
                                WHERE o.employer_id = e.employer_id AND o.person_id = t.person_id
                                  AND o.entry_date = e.entry_date)
            """,
            timed=True,
            links=True,
        ),
        Step(
            "nothing",
            """
            UPDATE insured_numbers x
               SET person_id = t.person_id
              FROM incoming_people i
              JOIN insured_numbers n ON n.nss = i.nss
              JOIN insured_numbers t ON t.nss = i.merged_into_nss
             WHERE i.load_id = $1 AND i.batch = $2 AND n.person_id <> t.person_id AND x.person_id = n.person_id
            """,
            links=True,
        ),
    ),
    absent="""
        SELECT p.nss AS seen, count(*) OVER () AS absent
          FROM people p
         WHERE p.merged_into IS NULL
           AND NOT EXISTS (SELECT FROM incoming_people i WHERE i.load_id = $1 AND i.batch = $2 AND i.nss = p.nss)
         ORDER BY p.nss LIMIT $3
    """,
)
