"""Templates to be filled and sent back."""

import asyncio
from collections.abc import AsyncIterator
from typing import IO, Annotated

from litestar import get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from teledeclaration.clock import legal_day
from teledeclaration.employers.guard import Caller, guarded
from teledeclaration.intake.forms import FORMS, FormName
from teledeclaration.languages import Language
from teledeclaration.payroll.actions.templates import Figures, WantedTemplate, make_template
from teledeclaration.payroll.routes.uploads import attachment

_PIECE_BYTES = 1 << 20
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

TemplateYear = Annotated[int | None, QueryParameter(description="The year to be declared", ge=2000, le=2100)]


def _route(form: FormName) -> HTTPRouteHandler:
    @get(
        f"/v1/templates/{form}.xlsx",
        **guarded("templates.read", shows_people=True),
        tags=["drafts"],
        operation_id=f"Download{form.capitalize()}Template",
        summary=f"A workbook to be filled: {form}",
    )
    async def download_template(
        state: State,
        caller: NamedDependency[Caller],
        year: TemplateYear = None,
        centre: FromQuery[str | None] = None,
        language: FromQuery[Language | None] = None,
        figures: FromQuery[Figures] = "reference",
        blank: FromQuery[bool] = False,
    ) -> Stream:
        """The employer's own people at this payment centre in this year, and last year's figures; `figures=copy`
        fills them in. `blank`, or for who acts for no employer: the same form without anybody."""
        today = legal_day(caller.now(state.clock), state.settings.fund_time_zone)
        wanted = WantedTemplate(
            form=form,
            year=year or (today.year - 1 if form == "annual" else today.year),
            centre=centre,
            language=language or caller.language,
            figures=figures,
            blank=blank,
        )
        file = await make_template(state.pool, state.settings, state.legislation, caller, wanted, today=today)
        return Stream(_pieces(file), media_type=_XLSX, headers=attachment(f"{form}-{wanted.year}.xlsx"))

    return download_template


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece


ROUTES = [_route(form) for form in FORMS]
