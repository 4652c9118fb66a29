"""Whatever someone holds reaches the policies as it is, and nothing else does."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.actors import stranger
from teledeclaration.database import Pool, transaction

HELD = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(held=HELD | st.sampled_from(["'; SET LOCAL app.actor_kind = 'job'; --", "\\'", "''", "$1", "E'\\x27"]))
async def test_what_a_stranger_holds_is_only_a_value(pool: Pool, held: str) -> None:
    async with transaction(pool, stranger(held)) as connection:
        assert await connection.fetchval("SELECT current_setting('app.lookup')") == held
        assert await connection.fetchval("SELECT current_setting('app.actor_kind')") == "stranger"
