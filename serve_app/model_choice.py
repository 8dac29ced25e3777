"""The models that a request names: those of this server, or a refusal that says which it has."""

from __future__ import annotations

from actors.endpoints import with_endpoints
from client.models import ErrorCode, ParseOptions
from serve_app.problems import Refused
from serve_app.settings import Settings


def complete_options(options: ParseOptions, settings: Settings) -> ParseOptions:
    """The request's options over the server's, with the names of the endpoints that they leave open. Raises Refused."""
    try:
        return with_endpoints(options.over(settings.parse_options), settings.endpoints)
    except ValueError as error:
        raise Refused(ErrorCode.INVALID_OPTION, str(error)) from error
