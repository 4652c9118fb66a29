"""`make run` as it is: the real API server, the real worker, the sample fund; then Ctrl-C, and once more."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.platform_terminal import Terminal
from teledeclaration.local.ports import reserved_port
from teledeclaration.local.sample import ACCOUNTS, ATLAS, FILER, PASSWORD, UPLOADER, SampleAccount

COMMAND = [sys.executable, "-m", "teledeclaration", "run"]
SECONDS_MAX = 90  # on a machine that does much else; it is ready in some seconds on one that does not


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with reserved_port() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def first(address: str, servers_folder: Path) -> Iterator[Terminal]:
    """The first start, ready."""
    with_a_port = Terminal(COMMAND, servers_folder / "whole-platform", int(address.rpartition(":")[2]))
    try:
        with_a_port.wait_for("Ctrl-C stops everything", seconds=SECONDS_MAX)
        yield with_a_port
    finally:
        with_a_port.process.kill()
        with_a_port.end()


def signed_in(address: str, account: SampleAccount) -> httpx.Client:
    client = httpx.Client(base_url=address, headers={"Origin": address, "Accept-Language": "en"}, timeout=30)
    answer = client.post("/v1/session", json={"email": account.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return client


def the_declaration(client: httpx.Client) -> Any:
    [declaration] = client.get("/v1/declarations").raise_for_status().json()
    return declaration


def test_the_sample_declaration_is_filed_assessed_and_sealed(first: Terminal, address: str) -> None:
    client = signed_in(address, FILER)
    declaration = the_declaration(client)
    assert declaration["number"] in first.text
    assert declaration["left_out_count"] == 1
    assert declaration["receipt_ready"]
    path = f"/v1/declarations/{declaration['declaration_id']}"
    assessment = client.get(f"{path}/assessment").raise_for_status().json()
    assert assessment["status"] == "assessed", assessment
    assert client.get(f"{path}/receipt.pdf").raise_for_status().content.startswith(b"%PDF-")
    verified = httpx.get(f"{address}/v1/verifications/{declaration['receipt_code']}").json()
    assert verified["status"] == "valid"


def test_everyone_in_the_table_signs_in(first: Terminal, address: str) -> None:
    for account in ACCOUNTS:
        assert re.search(rf"{account.role} +{account.email} ", first.text)
        me = signed_in(address, account).get("/v1/session").raise_for_status().json()
        assert {one["number"] for one in me["employers"] if one["mode"] == "live"} == set(account.employers)
    assert PASSWORD in first.text


def test_a_browser_finds_the_pages_that_are_printed(first: Terminal, address: str) -> None:
    for page in ("/", "/v1/schema", "/v"):
        assert f"{address}{page if page != '/' else ''}" in first.text
        assert httpx.get(f"{address}{page}").status_code == 200


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")
def test_the_example_that_is_printed_uploads_when_pasted(first: Terminal, address: str) -> None:
    pasted = first.wait_for(r"    curl (?:.*\n)+?.*/v1/uploads\n")[0]
    said = subprocess.run(["bash", "-c", pasted], capture_output=True, text=True, check=True).stdout
    client = signed_in(address, UPLOADER)
    draft = wait_until_read(client, re.search(r'"draft_id":"([^"]+)"', said)[1])  # type: ignore[index] # asserts
    assert draft["progress"]["status"] == "checked", draft
    assert {"annual_not_sum", "nss_length"} <= {count["code"] for count in draft["findings"]}


def wait_until_read(client: httpx.Client, draft_id: str) -> Any:
    deadline = time.monotonic() + SECONDS_MAX
    while (draft := client.get(f"/v1/drafts/{draft_id}").raise_for_status().json())["progress"]["status"] == "waiting":
        assert time.monotonic() < deadline, draft
        time.sleep(0.1)
    return draft


def test_ctrl_c_stops_it_and_the_next_start_finds_everything_again(
    first: Terminal, address: str, servers_folder: Path
) -> None:
    before = the_declaration(signed_in(address, FILER))
    first.process.send_signal(signal.SIGINT)
    assert first.end() == 0, first.text
    assert "Traceback" not in first.text
    second = Terminal(COMMAND, servers_folder / "whole-platform", int(address.rpartition(":")[2]))
    try:
        second.wait_for("Ctrl-C stops everything", seconds=SECONDS_MAX)
        assert "migrated" not in second.text
        assert f"{before['number']} of " in second.text
        client = signed_in(address, FILER)
        assert the_declaration(client) == before
        assert client.get("/v1/session").json()["employers"][0]["number"] == ATLAS
        second.process.send_signal(signal.SIGINT)
        assert second.end() == 0, second.text
    finally:
        second.process.kill()
