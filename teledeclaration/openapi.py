"""OpenAPI 3.1 at `/v1/schema/openapi.json`, and a page to browse it at `/v1/schema`, served from here alone."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from litestar import Response, Router, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag
from litestar.params import Parameter

from teledeclaration.employers.roles import PUBLIC, guarded
from teledeclaration.errors import NotFound

PATH = "/v1/schema"

_TAGS = {
    "session": "Sign in, who am I, my sessions",
    "employer": "The employer's particulars, members, keys, test twin and journal",
    "uploads": "Send a file or lines",
    "drafts": "Lines, findings, corrections",
    "declarations": "File, and see what was filed",
    "dues": "What is owed",
    "documents": "Receipts and their verification",
    "registers": "The fund's registers",
}

_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

AssetName = Annotated[str, Parameter(description="a file of the page")]


def config(public_url: str) -> OpenAPIConfig:
    """What the document says of the whole: title, tags, how to be known."""
    return OpenAPIConfig(
        title="Teledeclaration",
        version="1",
        description=(
            "Employers declare to a social-security fund, and pay it. Amounts are whole centimes. Errors are "
            "problem+json (RFC 9457) in the language of `Accept-Language` (fr, ar, en). A write may carry an "
            "`Idempotency-Key`: the same key with the same request gives the first answer again.\n\n"
            "An API key acts for its own employer. Who signs in and acts for several says for which one: `Employer` "
            "with its 10-digit number, and `Employer-Mode: test` for its test twin."
        ),
        servers=[Server(url=public_url)],
        tags=[Tag(name=name, description=words) for name, words in _TAGS.items()],
        components=[
            Components(
                security_schemes={
                    "apiKey": SecurityScheme(
                        type="http", scheme="bearer", description="An API key, `td_live_…` or `td_test_…`"
                    ),
                    "session": SecurityScheme(
                        type="apiKey", name="td_session", security_scheme_in="cookie", description="Set by signing in"
                    ),
                }
            )
        ],
        security=[{"apiKey": []}, {"session": []}],
        openapi_router=Router(PATH, route_handlers=[asset], include_in_schema=False, **guarded(PUBLIC)),
        render_plugins=[
            SwaggerRenderPlugin(
                path="/",
                js_url=f"{PATH}/assets/swagger-ui-bundle.js",
                css_url=f"{PATH}/assets/swagger-ui.css",
                standalone_preset_js_url=f"{PATH}/assets/swagger-ui-standalone-preset.js",
                favicon=f'<link rel="icon" type="image/png" href="{PATH}/assets/favicon-32x32.png">',
            )
        ],
        use_handler_docstrings=True,
    )


@get("/assets/{name:str}", **guarded(PUBLIC), include_in_schema=False, sync_to_thread=True)
def asset(name: AssetName) -> Response[bytes]:
    """A script or style of the page, as its package carries it."""
    if name not in _ASSETS:
        raise NotFound
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(_content(name), media_type=_ASSETS[name], headers=headers)


@cache
def _content(name: str) -> bytes:
    package = find_spec("drf_spectacular_sidecar")
    if package is None or not package.submodule_search_locations:
        raise NotFound
    folder = Path(package.submodule_search_locations[0])
    return (folder / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist" / name).read_bytes()
