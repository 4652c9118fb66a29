"""The registers' JSON door: the same checks and codes as for files, at pointers; who may, and who may not."""

from typing import Any

import pytest

ROWS = [
    {"nss": "800112345601", "last_name": "Benali", "first_name": "Karim", "birth_date": "1980-03-15"},
    {"nss": "1234", "last_name": "Court", "first_name": "Trop"},
    {"nss": "850223456702", "last_name": "Haddad", "first_name": None},
]
OFFICIALS = ["key:fund", "amel"]
OTHERS = ["alice", "bob", "lina", "rym", "charlie", "dalila", "samir", "key:declare", "key:read"]
DOORS = [
    ("POST", "/v1/registers/people/rows"),
    ("POST", "/v1/registers/people/loads"),
    ("GET", "/v1/registers/people/template.csv"),
    ("GET", "/v1/registers/loads/7a1c7a30-0000-4000-8000-000000000000"),
    ("GET", "/v1/registers/loads/7a1c7a30-0000-4000-8000-000000000000/findings"),
    ("GET", "/v1/declared"),
    ("GET", "/v1/declared/7a1c7a30-0000-4000-8000-000000000000/lines"),
    ("GET", "/v1/declared/files/2026-01-10"),
]


@pytest.mark.parametrize("who", OFFICIALS)
async def test_good_rows_go_in_and_bad_ones_are_told(clients: Any, fetch: Any, who: str) -> None:
    answer = await clients[who].post("/v1/registers/people/rows", json=ROWS)
    assert answer.status_code == 200
    outcome = answer.json()
    assert [(found["pointer"], found["code"]) for found in outcome["findings"]] == [
        ("/1/nss", "nss_shape"),
        ("/2/first_name", "required"),
    ]
    assert "12 digits" in outcome["findings"][0]["message"]
    assert outcome["counts"]["refused"] == 2
    assert outcome["counts"]["new"] + outcome["counts"]["unchanged"] == 1
    assert await fetch("SELECT last_name FROM people") == [("BENALI",)]


async def test_unknown_field_is_named(clients: Any) -> None:
    answer = await clients["key:fund"].post("/v1/registers/people/rows", json=[{"nss": "1", "shoe/size": 42}])
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/0/shoe~1size")


async def test_too_many_rows_are_refused(clients: Any) -> None:
    answer = await clients["key:fund"].post("/v1/registers/people/rows", json=[{"nss": "1"}] * 5001)
    assert answer.status_code == 422


async def test_unknown_register_is_refused(clients: Any) -> None:
    answer = await clients["key:fund"].post("/v1/registers/secrets/rows", json=[])
    assert answer.status_code in (404, 422)


async def test_booleans_and_amounts(clients: Any, fetch: Any) -> None:
    row = {
        "number": "1600066601",
        "name": "Bâtisseurs",
        "wilaya": 16,
        "agency": "16001",
        "centres": "16661",
        "building_sector": True,
    }
    answer = await clients["key:fund"].post("/v1/registers/employers/rows", json=[row])
    assert answer.json()["counts"]["new"] == 1
    assert await fetch("SELECT building_sector FROM employers WHERE number = '1600066601'") == [(True,)]


@pytest.mark.parametrize(("method", "path"), DOORS)
@pytest.mark.parametrize("who", OTHERS)
async def test_only_the_funds_systems_may(clients: Any, who: str, method: str, path: str) -> None:
    answer = await clients[who].request(method, path, json=[] if method == "POST" else None)
    assert answer.status_code in (403, 422)
    if answer.status_code == 422:
        assert answer.json()["type"].endswith("employer-not-named")


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_strangers_must_sign_in(clients: Any, method: str, path: str) -> None:
    answer = await clients["stranger"].request(method, path, json=[] if method == "POST" else None)
    assert answer.status_code == 401


async def test_file_is_received_followed_and_its_findings_paged(clients: Any, make_loader: Any, app: Any) -> None:
    sent = await clients["key:fund"].post(
        "/v1/registers/people/loads?mode=full",
        content="nss,nom,prénom\n910101000001,Par,Fichier\n12,Mauvais,Un\n34,Mauvais,Deux\n".encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert (sent.status_code, sent.json()["status"]) == (202, "waiting")
    location = sent.headers["location"]
    await make_loader().run(sent.json()["load_id"])
    load = (await clients["key:fund"].get(location)).json()
    assert (load["status"], load["rows_done"], load["counts"]["new"], load["counts"]["refused"]) == ("done", 3, 1, 2)
    first = (await clients["amel"].get(f"{location}/findings?limit=1&code=nss_shape&lang=fr")).json()
    assert first["findings"][0]["row"] == 3
    assert "12 chiffres" in first["findings"][0]["message"]
    assert first["by_code"]["nss_shape"] == 2
    second = (await clients["amel"].get(f"{location}/findings?code=nss_shape&after={first['next']}")).json()
    assert ([found["row"] for found in second["findings"]], second["next"]) == ([4], None)


async def test_template_is_a_file_that_can_be_loaded_back(clients: Any, load: Any) -> None:
    template = await clients["key:fund"].get("/v1/registers/people/template.csv")
    assert template.content.startswith(b"\xef\xbb\xbfNSS;Nom;")
    filled = template.text + "920101000001;Modèle;Rempli;;;;;;\r\n"
    assert (await load("people", filled)).counts.new == 1


async def test_officer_looks_up_a_person_and_the_look_is_journaled(clients: Any, fetch: Any) -> None:
    await clients["key:fund"].post("/v1/registers/people/rows", json=ROWS[:1])
    answer = await clients["omar"].post("/v1/registers/people/search", json={"nss": "800112345601"})
    found = answer.json()["people"]
    assert (answer.status_code, found[0]["last_name"], found[0]["numbers"]) == (200, "BENALI", ["800112345601"])
    person = str(found[0]["person_id"])
    looks = await fetch(
        "SELECT actor_kind, actor_label FROM journal WHERE action = 'people.seen' AND subject = $1", person
    )
    assert looks == [("officer", "Omar")]
    by_name = await clients["dalila"].post(
        "/v1/registers/people/search", json={"last_name": "benali", "first_name": "ka"}
    )
    assert [each["nss"] for each in by_name.json()["people"]] == ["800112345601"]


async def test_search_without_enough_is_refused(clients: Any) -> None:
    for sought in ({}, {"last_name": "BENALI"}, {"last_name": "BENALI", "first_name": "K"}):
        answer = await clients["dalila"].post("/v1/registers/people/search", json=sought)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "search-too-wide")


@pytest.mark.parametrize("who", ["alice", "bob", "lina", "rym", "charlie", "key:declare", "key:fund", "amel"])
async def test_only_officers_look_people_up(clients: Any, who: str) -> None:
    answer = await clients[who].post("/v1/registers/people/search", json={"nss": "800112345601"})
    assert answer.status_code == 403


async def test_looks_are_limited(clients: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teledeclaration.registry.actions.LOOKS_MAX", 1)
    sought = {"nss": "000000000000"}
    answers = [await clients["samir"].post("/v1/registers/people/search", json=sought) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
