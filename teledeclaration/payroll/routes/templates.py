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
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

TemplateYear = Annotated[int | None, QueryParameter(description="The year to be declared", ge=2000, le=2100)]
TemplatePeriod = Annotated[
    str | None, QueryParameter(description="The month or quarter to be declared: 2026-01, 2026-Q1", max_length=10)
]


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
        period: TemplatePeriod = None,
        centre: FromQuery[str | None] = None,
        language: FromQuery[Language | None] = None,
        figures: FromQuery[Figures] = "reference",
        blank: FromQuery[bool] = False,
    ) -> Stream:
        """The employer's own people at this payment centre in this year or period (of `totals`: the codes in force),
        and the figures declared last; `figures=copy` fills them in, `figures=periodic` those of the year's own periodic
        declarations. `blank`, or for who acts for no employer: the
        same form without anybody."""
        today = legal_day(caller.now(state.clock), state.settings.fund_time_zone)
        wanted = WantedTemplate(
            form=form,
            year=year,
            period=period,
            centre=centre,
            language=language or caller.language,
            figures=figures,
            blank=blank,
        )
        made = await make_template(state.pool, state.settings, state.legislation, caller, wanted, today=today)
        name = f"{form}-{made.period.code}.xlsx"
        return Stream(pieces_of(made.file), media_type=XLSX, headers=attachment(name))

    return download_template


async def pieces_of(file: IO[bytes]) -> AsyncIterator[bytes]:
    """A file from where it stands to its end; then it is closed."""
    with file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece


ROUTES = [_route(form) for form in FORMS]
