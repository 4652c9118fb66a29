"""The law and a simulation, as anyone reads them: by HTTP without credentials, and on the command line."""

import json
from typing import Any

import httpx
import pytest
from conftest import Clients

from teledeclaration.__main__ import main


@pytest.fixture
def anyone(clients: Clients) -> httpx.AsyncClient:
    return clients["stranger"]


async def asked(anyone: httpx.AsyncClient, path: str, language: str = "en") -> Any:
    answer = await anyone.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_law_of_a_day_has_each_value_with_its_text(anyone: httpx.AsyncClient) -> None:
    told = await asked(anyone, "/v1/law?on=2025-12-31&prefix=minimum_wage.")
    values = {value["key"]: value for value in told["values"]}
    month = values["minimum_wage.month"]
    assert (month["value"], month["valid_from"], month["last_day"]) == ("20000", "2020-06-01", "2025-12-31")
    assert "21-137" in month["reference"]
    assert month["link"].startswith("https://")
    assert (month["confidence"], month["to_be_confirmed"]) == ("S2", False)
    assert month["checked_on"] >= "2026-11-22"
    assert values["minimum_wage.days_a_month"]["to_be_confirmed"] is True


async def test_words_are_in_the_readers_language(anyone: httpx.AsyncClient) -> None:
    path = "/v1/law?on=2026-01-01&prefix=minimum_wage.hour"
    units = {lang: (await asked(anyone, path, lang))["values"][0]["unit_words"] for lang in ("fr", "ar", "en")}
    assert units == {"fr": "dinars par heure", "ar": "دينار في الساعة", "en": "dinars an hour"}


@pytest.mark.parametrize(
    ("language", "month", "first", "cap"),
    [
        (
            "fr",
            "Salaire national minimum garanti (SNMG) mensuel",
            "Retard de paiement des cotisations : premier taux",
            "Plafond des majorations d'une même créance",
        ),
        (
            "ar",
            "الأجر الوطني الأدنى المضمون في الشهر",
            "التأخر في دفع الاشتراكات: النسبة الأولى",
            "الحد الأقصى للزيادات على الدين الواحد",
        ),
    ],
)
async def test_labels_are_in_the_readers_language(
    anyone: httpx.AsyncClient, language: str, month: str, first: str, cap: str
) -> None:
    told = await asked(anyone, "/v1/law?on=2026-01-01&prefix=penalties.", language)
    assert {one["key"]: one["label"] for one in told["values"]}["penalties.late_payment.first"] == first
    assert {one["key"]: one["label"] for one in told["awaited"]} == {"penalties.cap": cap}
    history = await asked(anyone, "/v1/law/minimum_wage.month", language)
    assert {history["label"], *(one["label"] for one in history["values"])} == {month}
    changes = (await asked(anyone, "/v1/law/changes?from=2026-01-01&to=2026-12-31", language))["changes"]
    [raised] = [change for change in changes if change["key"] == "minimum_wage.month"]
    assert raised["label"] == raised["after"]["label"] == month


async def test_what_nobody_has_read_is_told_with_its_reason(anyone: httpx.AsyncClient) -> None:
    told = await asked(anyone, "/v1/law?prefix=instalments")
    assert "instalments.months_max" in {value["key"] for value in told["awaited"]}
    assert all(value["why"] for value in told["awaited"])
    one = await asked(anyone, "/v1/law/penalties.cap")
    assert one["values"] == []
    assert one["awaited"]


async def test_before_the_first_value_nothing_is_in_force(anyone: httpx.AsyncClient) -> None:
    assert (await asked(anyone, "/v1/law?on=1990-01-01"))["values"] == []


async def test_today_is_the_day_where_none_is_named(anyone: httpx.AsyncClient) -> None:
    told = await asked(anyone, "/v1/law?prefix=lines.R22")
    assert told["values"][0]["value"].startswith("0.345 ")


async def test_what_changed_names_what_was_before(anyone: httpx.AsyncClient) -> None:
    told = await asked(anyone, "/v1/law/changes?from=2026-01-01&to=2026-12-31")
    changes = {change["key"]: change for change in told["changes"]}
    assert set(changes) == {
        "minimum_wage.hour",
        "minimum_wage.hours_a_month",
        "minimum_wage.month",
        "part_time.full_time_hours_a_week",
    }
    month = changes["minimum_wage.month"]
    assert (month["kind"], month["before"], month["after"]["value"]) == ("changed", "20000", "24000")
    assert changes["minimum_wage.hours_a_month"]["kind"] == "restated"


async def test_a_campaign_ends_the_day_after_its_last(anyone: httpx.AsyncClient) -> None:
    told = await asked(anyone, "/v1/law/changes?from=2022-02-01&to=2022-02-01")
    assert {change["kind"] for change in told["changes"]} == {"ended"}
    assert {change["key"].split(".")[1] for change in told["changes"]} == {"ordinance_2021"}


async def test_a_keys_history_from_the_oldest_on(anyone: httpx.AsyncClient) -> None:
    told = await asked(anyone, "/v1/law/rates.social_insurance.employer")
    assert [(value["valid_from"], value["last_day"], value["value"]) for value in told["values"]] == [
        ("2006-09-01", "2015-08-31", "0.125"),
        ("2015-09-01", None, "0.115"),
    ]


async def test_a_key_that_is_none_is_a_404_that_names_it(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/v1/law/rates.moon", headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("/legal-key-unknown")
    assert "rates.moon" in answer.json()["title"]


async def test_a_day_that_is_none_is_malformed(anyone: httpx.AsyncClient) -> None:
    for path in ("/v1/law?on=2026-02-30", "/v1/law/changes?from=soon"):
        assert (await anyone.get(path)).status_code == 422


async def test_what_the_asker_holds_is_not_sent_again(anyone: httpx.AsyncClient) -> None:
    path = "/v1/law?on=2026-01-01"
    first = await anyone.get(path, headers={"Accept-Language": "fr"})
    etag = first.headers["etag"]
    assert "public" in first.headers["cache-control"]
    again = await anyone.get(path, headers={"Accept-Language": "fr", "If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = await anyone.get(path, headers={"Accept-Language": "ar", "If-None-Match": etag})
    assert other.status_code == 200


async def test_anyone_may_simulate_a_pay(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.post("/v1/simulation", json={"period": "2026-02", "base": 6_000_000})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["effect"]["to_the_fund"] == told["amounts"]["total"] == 2_100_000
    assert told["minimum"]["base"] == 2_400_000


async def test_a_wrong_simulation_is_a_problem_at_its_field(anyone: httpx.AsyncClient) -> None:
    wrong = {"period": "2026-02", "elements": [{"kind": "yacht", "amount": 1}]}
    answer = await anyone.post("/v1/simulation", json=wrong, headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/elements/0/kind")
    assert "base_pay" in answer.json()["title"]
    malformed = await anyone.post("/v1/simulation", json={"period": "2026-02", "base": "much"})
    assert malformed.status_code == 422


def test_the_command_tells_the_law(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["law", "--on", "2026-02-01", "--key", "minimum_wage.month", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [value["value"] for value in told["values"]] == ["24000"]
    assert main(["law", "--changes-since", "2026-01-01", "--key", "minimum_wage.month", "--lang", "fr"]) == 0
    assert "24000" in capsys.readouterr().out
    assert main(["law", "--on", "2026-02-01", "--key", "minimum_wage.month", "--json", "--lang", "fr"]) == 0
    assert "Salaire national minimum garanti (SNMG) mensuel" in capsys.readouterr().out
    assert main(["law", "--on", "2026-02-01", "--key", "moon"]) == 1


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_the_command_simulates_in_three_languages(capsys: pytest.CaptureFixture[str], language: str) -> None:
    words = ["simulate", "--month", "2026-02", "--element", "base_pay=50000,50", "--element", "meals=4000"]
    assert main([*words, "--category", "rebate_north_first_job", "--lang", language]) == 0
    shown = capsys.readouterr().out
    assert "54\u202f000,50" in shown
    assert "R07" in shown


def test_the_commands_json_is_the_interfaces(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "60000", "--month", "2026-02", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["effect"]["employee_keeps"] == 5_460_000
    assert main(["simulate", "1000", "--quarter", "2026-Q1", "--time", "20J", "--hours-a-week", "32,5"]) == 0


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "60000", "--month", "2026-02", "--hours-a-week", "10", "--lang", "en"]) == 1
    assert "between 20 and 40" in capsys.readouterr().err
    for wrong in (["much", "--month", "2026-02"], ["1", "--month", "2026-02", "--time", "15K"], ["1"]):
        with pytest.raises(SystemExit):
            main(["simulate", *wrong])
