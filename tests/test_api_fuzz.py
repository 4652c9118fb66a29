"""Whatever is sent to whichever operation, right or wrong in shape: never a fault of ours, always a problem."""

from typing import Any

import httpx
import pytest
import schemathesis
import test_server
import world
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from teledeclaration.problems import PROBLEM_JSON

pytestmark = pytest.mark.slow

EXAMPLES_OF_EACH = 40
ENDS_THE_TESTERS_OWN_SESSION = ("DELETE", "/v1/session")
ENDLESS = ("GET", "/v1/uploads/{upload_id}/events")

address = test_server.address


def credentials(path: str, address: str) -> dict[str, str]:
    """Alice, who owns an employer; where the fund is at home, its own key."""
    if path.startswith(("/v1/registers", "/v1/declared")):
        return {"Authorization": f"Bearer {world.API_KEYS['fund'][0]}"}
    return {"Cookie": f"td_session={world.PEOPLE['alice'].session_token}", "Origin": address}


def operations(address: str) -> list[Any]:
    document = httpx.get(f"{address}/v1/schema/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]  # the document is valid
    left_out = {ENDS_THE_TESTERS_OWN_SESSION, ENDLESS}
    return [operation for operation in found if (operation.method.upper(), operation.path) not in left_out]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_sent_makes_the_server_fail(address: str, mode: GenerationMode) -> None:
    failures: dict[str, str] = {}
    tried = 0
    for operation in operations(address):
        name = f"{operation.method.upper()} {operation.path}"
        tried += 1
        try:
            ask_in_many_ways(operation, mode, address, credentials(operation.path, address))
        except AssertionError as failure:
            failures[name] = str(failure)
        except Unsatisfiable:  # nothing can be wrong about a request that carries nothing
            assert mode is GenerationMode.NEGATIVE, name
    assert tried > 40
    assert not failures, "\n".join(f"{name}: {failure}" for name, failure in failures.items())


def ask_in_many_ways(operation: Any, mode: GenerationMode, address: str, headers: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES_OF_EACH,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(base_url=address, headers=headers, timeout=20)
        sent = case.as_curl_command()
        assert answer.status_code < 500, f"{answer.status_code} {sent}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"][0].startswith(PROBLEM_JSON), f"{answer.status_code} {sent}"

    ask()
