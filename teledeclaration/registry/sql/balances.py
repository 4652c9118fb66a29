"""What the former system says is owed or held; booked once, by payments."""

from teledeclaration.registry.sql.steps import Statements, Step

BALANCES = Statements(
    refusals="""
        SELECT i.row, 'number' AS field, 'employer_unknown' AS code, i.number AS seen
          FROM incoming_balances i
         WHERE i.load_id = $1 AND i.batch = $2
           AND NOT EXISTS (SELECT FROM employer_numbers n WHERE n.number = i.number AND n.mode = 'live')
        UNION ALL
        SELECT i.row, 'centre', 'centre_unknown', i.centre
          FROM incoming_balances i
          JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
         WHERE i.load_id = $1 AND i.batch = $2
           AND NOT EXISTS (SELECT FROM payment_centres c
                            WHERE c.employer_id = n.employer_id AND c.centre = i.centre)
        UNION ALL
        SELECT i.row, 'amount', 'balance_booked', NULL
          FROM incoming_balances i
          JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
          JOIN opening_balances b ON b.employer_id = n.employer_id AND b.centre = i.centre AND b.period = i.period
                                 AND b.nature = i.nature AND b.payer = i.payer
         WHERE i.load_id = $1 AND i.batch = $2 AND b.booked_at IS NOT NULL
           AND (b.amount, b.due_on) IS DISTINCT FROM (i.amount, i.due_on)
    """,
    steps=(
        Step(
            "updated",
            """
            UPDATE opening_balances b
               SET amount = i.amount, due_on = i.due_on
              FROM incoming_balances i JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
             WHERE i.load_id = $1 AND i.batch = $2
               AND b.employer_id = n.employer_id AND b.centre = i.centre AND b.period = i.period
               AND b.nature = i.nature AND b.payer = i.payer AND b.booked_at IS NULL
               AND (b.amount, b.due_on) IS DISTINCT FROM (i.amount, i.due_on)
            """,
        ),
        Step(
            "new",
            """
            INSERT INTO opening_balances (employer_id, centre, period, nature, payer, amount, due_on)
            SELECT n.employer_id, i.centre, i.period, i.nature, i.payer, i.amount, i.due_on
              FROM incoming_balances i JOIN employer_numbers n ON n.number = i.number AND n.mode = 'live'
             WHERE i.load_id = $1 AND i.batch = $2
            ON CONFLICT DO NOTHING
            """,
        ),
    ),
    absent="""
        SELECT n.number || ' ' || b.centre || ' ' || b.period || ' ' || b.nature || ' ' || b.payer AS seen,
               count(*) OVER () AS absent
          FROM opening_balances b
          JOIN employers n ON n.employer_id = b.employer_id AND n.mode = 'live'
          LEFT JOIN (SELECT x.employer_id, i.centre, i.period, i.nature, i.payer
                       FROM incoming_balances i
                       JOIN employer_numbers x ON x.number = i.number AND x.mode = 'live'
                      WHERE i.load_id = $1 AND i.batch = $2) AS told
                 USING (employer_id, centre, period, nature, payer)
         WHERE told.employer_id IS NULL
         ORDER BY 1 LIMIT $3
    """,
)
