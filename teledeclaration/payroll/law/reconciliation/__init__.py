"""Where a year's declarations do not agree with one another, with the movements, the minimum wage and the year before.

Pure: frames in, frames out. Many centres' years are compared at once (`item` says whose a row is), so that a night's
run pays for its expressions once. Joins and groups only: the cost is linear in lines.

    frames      what goes in and comes out             people      who is who on both sides
    bases       annual against periodic                causes      why two bases differ
    employment  pay and time against entry and exit    wages       minimum wage, and last year
    whole       totals by rate line, undeclared periods, headcount
    pricing     what each difference is worth          comparing   all of it together
    preparing   the annual lines that would agree
"""
