"""How the fund reaches employers."""

from teledeclaration.registry.sql.steps import Statements, Step

CONTACTS = Statements(
    refusals=r"""
        SELECT i.row, 'number' AS field, 'employer_unknown' AS code, i.number AS seen
          FROM incoming_contacts i
         WHERE i.load_id = $1 AND i.batch = $2
           AND NOT EXISTS (SELECT FROM employer_numbers n WHERE n.number = i.number AND n.mode = 'live')
        UNION ALL
        SELECT i.row, 'contact', 'contact_shape', i.contact
          FROM incoming_contacts i
         WHERE i.load_id = $1 AND i.batch = $2
           AND CASE i.kind WHEN 'email' THEN i.contact !~ '^[^@\s]+@[^@\s]+\.[^@\s]+$'
                           WHEN 'phone' THEN i.contact !~ '^\+?[0-9][0-9 ().-]{6,18}$' ELSE false END
    """,
    steps=(
        Step(
            "updated",
            """
            DELETE FROM employer_contacts c
             USING incoming_contacts i, employer_numbers n
             WHERE i.load_id = $1 AND i.batch = $2 AND n.number = i.number AND n.mode = 'live' AND i.withdrawn
               AND c.employer_id = n.employer_id AND c.kind = i.kind AND c.contact = i.contact
            """,
        ),
        Step(
            "updated",
            """
            UPDATE employer_contacts c
               SET name = i.name
              FROM incoming_contacts i JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
             WHERE i.load_id = $1 AND i.batch = $2 AND i.withdrawn IS NOT TRUE
               AND c.employer_id = n.employer_id AND c.kind = i.kind AND c.contact = i.contact AND c.name <> i.name
            """,
        ),
        Step(
            "new",
            """
            INSERT INTO employer_contacts (employer_id, contact, kind, name)
            SELECT n.employer_id, i.contact, i.kind, coalesce(i.name, '')
              FROM incoming_contacts i JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
             WHERE i.load_id = $1 AND i.batch = $2 AND i.withdrawn IS NOT TRUE
            ON CONFLICT DO NOTHING
            """,
        ),
    ),
    absent="""
        SELECT n.number || ' ' || c.kind || ' ' || c.contact AS seen, count(*) OVER () AS absent
          FROM employer_contacts c
          JOIN employers n ON n.employer_id = c.employer_id AND n.mode = 'live'
          LEFT JOIN (SELECT x.employer_id, i.kind, i.contact
                       FROM incoming_contacts i
                       JOIN employer_numbers x ON x.number = i.number AND x.mode = 'live'
                      WHERE i.load_id = $1 AND i.batch = $2) AS told USING (employer_id, kind, contact)
         WHERE told.employer_id IS NULL
         ORDER BY 1 LIMIT $3
    """,
)
