"""Each register loaded from files: good rows in, bad rows told, the same file again changes nothing."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from world import A

from registry.registry_files import workbook
from schemas.registry import LoadCounts

PEOPLE = """NSS;Nom;Prénom;Nom (arabe);Prénom (arabe);Date de naissance;Lieu de naissance
800112345601;Benali;Karim;بن علي;كريم;15/03/1980;Alger
850223456702;Haddad;Lila;حداد;ليلى;1985-07-02;Oran
"""


async def test_people_come_in_from_csv(load: Any, fetch: Any) -> None:
    loaded = await load("people", PEOPLE, "full")
    assert (loaded.status, loaded.rows_done, loaded.rows_total) == ("done", 2, 2)
    assert loaded.counts == LoadCounts(new=2)
    assert await fetch("SELECT nss, last_name, first_name_ar, birth_date, birth_place FROM people ORDER BY nss") == [
        ("800112345601", "BENALI", "كريم", date(1980, 3, 15), "Alger"),
        ("850223456702", "HADDAD", "ليلى", date(1985, 7, 2), "Oran"),
    ]


async def test_same_file_again_changes_nothing(load: Any, fetch: Any, clock: Any) -> None:
    await load("people", PEOPLE)
    before = await fetch("SELECT *, xmin::text FROM people ORDER BY person_id")
    clock.moment = clock.moment.replace(hour=12)
    assert (await load("people", PEOPLE)).counts == LoadCounts(unchanged=2)
    assert await fetch("SELECT *, xmin::text FROM people ORDER BY person_id") == before


async def test_blank_cell_keeps_and_dash_empties(load: Any, fetch: Any) -> None:
    await load("people", PEOPLE)
    changed = await load(
        "people",
        "nss,nom,prenom,date de naissance,lieu de naissance\n800112345601,Benali,Karim,,-\n"
        "850223456702,Haddad,Lila,-,\n",
    )
    assert changed.counts == LoadCounts(changed=2)
    assert await fetch("SELECT birth_date, birth_place, last_name_ar FROM people ORDER BY nss") == [
        (date(1980, 3, 15), "", "بن علي"),
        (None, "Oran", "حداد"),
    ]
    await load("people", PEOPLE)


async def test_full_file_tells_of_those_it_lacks_and_removes_none(load: Any, fetch: Any, findings: Any) -> None:
    await load("people", PEOPLE)
    loaded = await load("people", "".join(PEOPLE.splitlines(keepends=True)[:2]), "full")
    assert loaded.counts == LoadCounts(unchanged=1, absent=1, findings=1)
    assert await findings(loaded) == [(None, None, "absent")]
    assert await fetch("SELECT count(*) FROM people WHERE nss = '850223456702'") == [(1,)]


async def test_bad_rows_are_refused_and_good_ones_go_in(load: Any, fetch: Any, findings: Any) -> None:
    loaded = await load(
        "people",
        "nss,nom,prénom,date de naissance\n"
        "12345,Court,Numero,1990-01-01\n"  # 2
        "900101000001,,Sansnom,1990-01-01\n"  # 3
        "\n"  # 4: blank, not counted
        "900101000002,Futur,Date,2031-01-01\n"  # 5
        "900101000003,Bon,Celui,01/02/1990\n"  # 6
        "900101000003,Double,Celui,01/02/1990\n"  # 7
        "900101000004,Trop,De,01/02/1990,cellules\n"  # 8
        "٩٠٠١٠١٠٠٠٠٠٥,Chiffres,Arabes,31-12-1990\n",  # 9
    )
    assert await findings(loaded) == [
        (2, "nss", "nss_shape"),
        (3, "last_name", "required"),
        (5, "birth_date", "date_not_past"),
        (7, "nss", "repeated"),
        (8, None, "too_many_cells"),
    ]
    assert loaded.counts == LoadCounts(new=2, refused=5, findings=5)
    found = await fetch("SELECT last_name FROM people WHERE nss LIKE '9001010000%' ORDER BY nss")
    assert found == [("BON",), ("CHIFFRES",)]


async def test_corrected_number_keeps_leading_to_the_person(load: Any, fetch: Any, findings: Any) -> None:
    await load("people", "nss,nom,prénom\n770101000001,Ancien,Numero\n")
    correction = "nss,nom,prénom,ancien nss\n770101000002,Ancien,Numero,770101000001\n"
    assert (await load("people", correction)).counts == LoadCounts(changed=1, linked=1)
    assert (await load("people", correction)).counts == LoadCounts(unchanged=1)
    numbers = "SELECT count(DISTINCT person_id), count(*) FROM insured_numbers WHERE nss LIKE '7701010000%'"
    assert await fetch(numbers) == [(1, 2)]
    stale = await load("people", "nss,nom,prénom\n770101000001,Ancien,Numero\n")
    assert await findings(stale) == [(2, "nss", "number_replaced")]
    assert await fetch("SELECT nss FROM people WHERE nss LIKE '7701010000%'") == [("770101000002",)]


async def test_merged_person_leads_to_the_one_kept(load: Any, fetch: Any) -> None:
    await load("people", "nss,nom,prénom\n660101000001,Doublon,Un\n660101000002,Doublon,Deux\n")
    await load("employments", "n° employeur,nss,date d'entrée\n1600012345,660101000001,2020-01-01\n")
    merger = "nss,nom,prénom,fusionné avec nss\n660101000001,Doublon,Un,660101000002\n"
    assert (await load("people", merger)).counts == LoadCounts(changed=1, linked=1)
    assert (await load("people", merger)).counts == LoadCounts(unchanged=1)
    leads = """
        SELECT n.nss, p.nss FROM insured_numbers n JOIN people p USING (person_id)
         WHERE n.nss LIKE '6601010000%' ORDER BY 1
    """
    assert await fetch(leads) == [("660101000001", "660101000002"), ("660101000002", "660101000002")]
    spell = "SELECT p.nss FROM employments e JOIN people p USING (person_id) WHERE e.nss = '660101000001'"
    assert await fetch(spell) == [("660101000002",)]


async def test_merging_into_nobody_is_refused(load: Any, findings: Any) -> None:
    loaded = await load("people", "nss,nom,prénom,fusionné avec nss\n550101000001,A,B,550101000002\n")
    assert await findings(loaded) == [(2, "merged_into_nss", "person_unknown")]
    assert loaded.counts == LoadCounts(refused=1, findings=1)


EMPLOYERS = (
    "N° employeur,Raison sociale,Wilaya,Agence,Nom de l'agence,Centres payeurs,Périodicité,RIB,Date d'ouverture,"
    "Date de fermeture,Employeur principal,Fusionné avec\n"
    "1600099901,SPA Siège,16,16099,Agence Hydra,16991 16992@16098,mensuelle,00799999001234567890,2001-01-01,,,\n"
    "1600099902,SPA Annexe,16,16099,,16993,trimestrielle,,,,1600099901,\n"
    "1600099903,SPA Absorbée,16,16099,,,T,,2001-01-01,2024-12-31,,1600099901\n"
)


async def test_employers_come_with_agency_centres_and_links(load: Any, fetch: Any) -> None:
    loaded = await load("employers", EMPLOYERS)
    assert loaded.counts == LoadCounts(new=3)
    assert await fetch(
        """
        SELECT e.number, e.periodicity, e.closed_on, m.number, i.number
          FROM employers e LEFT JOIN employers m ON m.employer_id = e.main_employer
          LEFT JOIN employers i ON i.employer_id = e.merged_into
         WHERE e.number LIKE '16000999%' ORDER BY 1
        """
    ) == [
        ("1600099901", "monthly", None, None, None),
        ("1600099902", "quarterly", None, "1600099901", None),
        ("1600099903", "quarterly", date(2024, 12, 31), None, "1600099901"),
    ]
    assert await fetch(
        "SELECT centre, c.agency FROM payment_centres c JOIN employers USING (employer_id)"
        " WHERE number = '1600099901' ORDER BY 1"
    ) == [("16991", "16099"), ("16992", "16098")]
    assert await fetch("SELECT name FROM agencies WHERE agency = '16099'") == [("Agence Hydra",)]
    assert (await load("employers", EMPLOYERS)).counts == LoadCounts(unchanged=3)


async def test_secondary_site_may_stand_before_its_main_employer(load: Any, fetch: Any) -> None:
    await load(
        "employers",
        "number,name,wilaya,agency,main_employer_number\n3100099912,Annexe,31,31001,3100099911\n"
        "3100099911,Principal,31,31001,\n",
    )
    found = await fetch(
        "SELECT m.number FROM employers e JOIN employers m ON m.employer_id = e.main_employer"
        " WHERE e.number = '3100099912'"
    )
    assert found == [("3100099911",)]


async def test_employers_that_cannot_be_are_refused(load: Any, findings: Any) -> None:
    loaded = await load(
        "employers",
        "number,name,wilaya,agency,main_employer_number,opened_on,closed_on,bank_account\n"
        "1600088801,A,99,16001,,,,\n"
        "1600088802,A,16,16001,1699999999,,,\n"
        "1600088803,A,16,16001,,2020-01-01,2019-01-01,\n"
        "1600088804,A,16,16001,,,,123\n"
        "0000000000,A,16,16001,,,,\n"
        "1600088805,A,16,16001,1600088805,,,\n",
    )
    assert sorted(await findings(loaded)) == [
        (2, "wilaya", "wilaya_unknown"),
        (3, "main_employer_number", "employer_unknown"),
        (4, "closed_on", "dates_in_wrong_order"),
        (5, "bank_account", "bank_account_shape"),
        (6, "number", "number_of_the_fund"),
        (7, "main_employer_number", "links_to_itself"),
    ]
    assert loaded.counts.new == 0


async def test_employments_are_loaded_changed_and_refused(load: Any, fetch: Any, findings: Any) -> None:
    await load("people", PEOPLE)
    head = "number,nss,entry_date,exit_date,centre,rate_category\n"
    first = await load("employments", head + "1600012345,800112345601,2019-05-01,,16001,\n")
    assert first.counts == LoadCounts(new=1)
    left = await load("employments", head + "1600012345,800112345601,2019-05-01,2025-06-30,,building\n")
    assert left.counts == LoadCounts(changed=1)
    assert await fetch(
        "SELECT exit_date, centre, rate_category FROM employments WHERE nss = '800112345601' AND employer_id = $1",
        A.employer_id,
    ) == [(date(2025, 6, 30), "16001", "building")]
    wrong = await load(
        "employments",
        head + "1699999999,800112345601,2019-05-01,,,\n1600012345,999999999999,2019-05-01,,,\n"
        "1600012345,850223456702,2019-05-01,2018-01-01,,\n1600012345,850223456702,2020-05-01,,99999,\n"
        "1600012345,850223456702,2021-05-01,,,nonsense\n",
    )
    assert sorted(await findings(wrong)) == [
        (2, "number", "employer_unknown"),
        (3, "nss", "person_unknown"),
        (4, "exit_date", "dates_in_wrong_order"),
        (5, "centre", "centre_unknown"),
        (6, "rate_category", "category_unknown"),
    ]


async def test_contacts_are_loaded_and_withdrawn(load: Any, fetch: Any, findings: Any) -> None:
    head = "number,kind,contact,name,withdrawn\n"
    await load("contacts", head + "1600012345,courriel,rh@atlas.dz,Mme Ziani,\n1600012345,tel,+213 21 00 00 00,,\n")
    kept = "SELECT kind, contact, name FROM employer_contacts WHERE employer_id = $1 AND contact LIKE 'rh@%'"
    assert await fetch(kept, A.employer_id) == [("email", "rh@atlas.dz", "Mme Ziani")]
    gone = await load("contacts", head + "1600012345,email,rh@atlas.dz,,oui\n1600012345,email,nobody,,\n")
    assert await fetch(kept, A.employer_id) == []
    assert gone.counts == LoadCounts(changed=1, refused=1, findings=1)
    assert await findings(gone) == [(3, "contact", "contact_shape")]


async def test_balances_are_exact_centimes_and_booked_ones_stay(load: Any, fetch: Any, findings: Any) -> None:
    head = "n° employeur;centre;période;nature;part;montant;échéance\n"
    row = "1600012345;16001;2024-T3;cotisations;patronale;{};30/10/2024\n"
    assert (await load("balances", head + row.format("1 234 567,05"))).counts == LoadCounts(new=1)
    assert (await load("balances", head + row.format("-10,5"))).counts == LoadCounts(changed=1)
    stored = "SELECT period, nature, payer, amount, due_on FROM opening_balances"
    assert await fetch(stored) == [("2024-Q3", "contributions", "employer", -1050, date(2024, 10, 30))]
    await fetch("UPDATE opening_balances SET booked_at = now() RETURNING 1")
    late = await load("balances", head + row.format("7,00"))
    assert await findings(late) == [(2, "amount", "balance_booked")]
    bad = await load("balances", head + row.format("12.345,00") + row.replace("2024-T3", "2024-T4").format("0"))
    assert {code for _, _, code in await findings(bad)} == {"amount_unreadable"}


@pytest.mark.parametrize(
    ("register", "rows"),
    [
        (
            "people",
            [
                ["Liste des assurés"],
                [],
                ["NSS", "Nom", "Prénom", "Né le"],
                ["440101000001", "X", "Y", date(1944, 1, 1)],
            ],
        ),
        ("employers", [["Number", "Name", "Wilaya", "Agency"], ["1600077701", "Classeur", 16, "16001"]]),
        ("employments", [["Number", "NSS", "Entry date"], ["1600012345", "440101000001", date(2020, 1, 1)]]),
        ("contacts", [["Number", "Kind", "Contact"], ["1600012345", "email", "classeur@atlas.dz"]]),
        (
            "balances",
            [
                ["Number", "Centre", "Période", "Nature", "Part", "Montant", "Échéance"],
                ["1600012345", "16001", "2023", "penalties", "employee", 12.5, date(2024, 1, 31)],
            ],
        ),
    ],
)
async def test_every_register_comes_in_from_a_workbook(load: Any, register: Any, rows: Any) -> None:
    loaded = await load(register, workbook(rows), "changes", "registre.xlsx")
    assert (loaded.status, loaded.counts) == ("done", LoadCounts(new=1))


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"nss,nom\n1,2\n", "f.csv", "registers.refused.columns_missing"),
        (b"", "f.csv", "registers.refused.empty"),
        (b"nss,nom,prenom\n", "f.csv", "registers.refused.empty"),
        ("nss,nom,prénom\n".encode("latin-1"), "f.csv", "registers.refused.not_utf8"),
        (b"PK\x03\x04 not a zip", "f.xlsx", "unreadable."),
    ],
)
async def test_file_that_cannot_be_read_is_refused_with_its_reason(
    load: Any, content: bytes, name: str, reason: str
) -> None:
    loaded = await load("people", content, "changes", name)
    assert loaded.status == "refused"
    assert loaded.reason.startswith(reason)


async def test_killed_load_goes_on_from_the_last_committed_batch(
    enter: Any, make_loader: Callable[..., Any], fetch: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"33010100{number:04d},Reprise,Numero{number}" for number in range(100)]
    load_id = await enter("people", "nss,nom,prénom\n" + "\n".join(lines))
    first, batches = make_loader(batch_rows=30), 0
    real = first._batch

    async def dies_at_the_third(*given: Any, **named: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise KeyboardInterrupt
        return await real(*given, **named)

    monkeypatch.setattr(first, "_batch", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        await first.run(load_id)
    state = "SELECT status, rows_done, (counts->>'new')::int FROM registry_loads WHERE load_id = $1"
    assert await fetch(state, load_id) == [("waiting", 60, 60)]
    await make_loader(batch_rows=30).run(load_id)  # its lease still runs: nobody else takes it up
    assert await fetch(state, load_id) == [("waiting", 60, 60)]
    clock.moment = clock.moment.replace(hour=15)
    await make_loader(batch_rows=30).run(load_id)
    assert await fetch(state, load_id) == [("done", 100, 100)]
    assert await fetch("SELECT count(*) FROM people WHERE nss LIKE '33010100%'") == [(100,)]


async def test_worker_that_lost_its_lease_commits_nothing(
    enter: Any, make_loader: Callable[..., Any], fetch: Any, pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_id = await enter("people", "nss,nom,prénom\n220101000001,Perdu,Bail\n")
    slow = make_loader()
    real = slow._say_height

    async def loses_it_afterwards(*given: Any, **named: Any) -> None:
        await real(*given, **named)
        await fetch("UPDATE registry_loads SET lease = gen_random_uuid() WHERE load_id = $1 RETURNING 1", load_id)

    monkeypatch.setattr(slow, "_say_height", loses_it_afterwards)
    await slow.run(load_id)
    assert await fetch("SELECT count(*) FROM people WHERE nss = '220101000001'") == [(0,)]


async def test_nothing_stays_in_the_staging_tables(fetch: Any) -> None:
    tables = ("people", "employers", "employments", "contacts", "balances", "load_findings")
    assert [await fetch(f"SELECT count(*) FROM incoming_{table}") for table in tables] == [[(0,)]] * 6
