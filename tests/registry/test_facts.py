"""What the register tells other rooms: people by any of their numbers, the spells of an employer."""

from datetime import date
from typing import Any

from world import A, B

from schemas.actors import Actor, job
from teledeclaration.database import Pool, transaction
from teledeclaration.registry import facts

PEOPLE = (
    "nss,nom,prénom,nom arabe,date de naissance\n800112345601,Benali,Karim,بن علي,1980-03-15\n"
    "850223456702,Haddad,Lila,,1985-07-02\n860223456703,Haddad,Lila,,1985-07-02\n"
)
EMPLOYMENTS = (
    "number,nss,entry_date,exit_date\n1600012345,800112345601,2015-01-01,2017-12-31\n"
    "1600012345,800112345601,2020-01-01,\n1600012345,850223456702,2019-06-01,\n3100054321,850223456702,2018-01-01,\n"
)


async def test_people_are_known_by_every_number(load: Any, pool: Pool) -> None:
    await load("people", PEOPLE)
    await load("people", "nss,nom,prénom,ancien nss\n800112345699,Benali,Karim,800112345601\n")
    await load("people", "nss,nom,prénom,fusionné avec nss\n860223456703,Haddad,Lila,850223456702\n")
    asked = ["800112345601", "800112345699", "860223456703", "000000000000"]
    async with transaction(pool, job("check", A.employer_id)) as connection:
        known = {person.nss: person for person in await facts.known_people(connection, asked)}
        frame = await facts.known_people_frame(connection, asked)
        among_many = await facts.known_people_frame(connection, [*asked, *(f"{n:012}" for n in range(1, 2_000))])
    assert among_many.sort("nss").equals(frame.sort("nss"))
    assert {nss: person.current_nss for nss, person in known.items()} == {
        "800112345601": "800112345699",
        "800112345699": "800112345699",
        "860223456703": "850223456702",
    }
    assert known["800112345601"].last_name_ar == "بن علي"
    assert sorted(frame["nss"]) == asked[:3]
    assert frame.schema["birth_date"] == frame["birth_date"].dtype


async def test_employments_are_those_of_the_employer_by_present_number(load: Any, pool: Pool) -> None:
    await load("employments", EMPLOYMENTS.replace("800112345601", "800112345699"))
    async with transaction(pool, job("check", A.employer_id)) as connection:
        frame = await facts.employments_frame(connection, A.employer_id)
        spells = await facts.employments_of(connection, A.employer_id)
        assert await facts.employments_of(connection, B.employer_id) == []
    assert sorted(frame.select("nss", "entry_date", "exit_date").rows()) == [
        ("800112345699", date(2015, 1, 1), date(2017, 12, 31)),
        ("800112345699", date(2020, 1, 1), None),
        ("850223456702", date(2019, 6, 1), None),
    ]
    assert len(spells) == 3


async def test_register_version_moves_with_a_load(load: Any, pool: Pool, clock: Any) -> None:
    async def version() -> str:
        async with transaction(pool, job("check", A.employer_id)) as connection:
            return await facts.register_version(connection, A.employer_id)

    before = await version()
    assert await version() == before
    clock.moment = clock.moment.replace(hour=20)
    await load("people", "nss,nom,prénom\n990101000001,Nouveau,Venu\n")
    assert await version() != before


async def test_member_sees_nobody_of_the_register(load: Any, pool: Pool) -> None:
    assert (await load("people", PEOPLE)).counts.findings > 0
    async with transaction(pool, Actor(kind="member", label="Alice", employer_id=A.employer_id)) as connection:
        assert await facts.known_people(connection, ["800112345601", "850223456702"]) == []
        assert await connection.fetchval("SELECT count(*) FROM insured_numbers") == 0
        assert await connection.fetchval("SELECT count(*) FROM declared_positions") == 0
        assert await connection.fetchval("SELECT count(*) FROM registry_load_findings") == 0
