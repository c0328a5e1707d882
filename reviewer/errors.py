"""The exception tree. Each error says what happened and what to do, and carries the exit code of the command.

    GlossatorError
    ├── UsageError              2   an option, a settings file or an input that cannot be used
    │   └── LocatorError            the trained locator cannot be used
    ├── SourceError             3   no diff to review: not a repository, unknown ref, a patch that is none
    ├── ModelError              4   the model gave no answer
    │   ├── ModelUnavailable        refused, timed out, overloaded, gone: another try or the fallback may help
    │   ├── ModelRefused            the server understood and said no: trying the same again will not help
    │   └── ModelFileError          a model file that is missing, wrong or cannot be stored
    └── HostError               5   GitHub said no, or nothing
        ├── HostUnavailable         502, timeouts, cut connections: the request may or may not have been carried out
        ├── PermissionDenied        401, 403, or 404 for a token that may not see it
        ├── NotFound                404
        ├── RateLimited             403 or 429 with a limit's words
        └── ValidationFailed        422

Exit code 1 is `--fail-on`: the review worked and found something that grave.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_FINDINGS = 1


class GlossatorError(Exception):
    """Base of all errors that a user may meet. `what` happened; `hint` says what to do about it."""

    exit_code = 70

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n{self.hint}" if self.hint else self.what


class UsageError(GlossatorError):
    """An option, a settings file or an input that cannot be used as it is."""

    exit_code = 2


class LocatorError(UsageError):
    """A locator that is missing, damaged, or made for another version."""


class SourceError(GlossatorError):
    """There is no diff to review."""

    exit_code = 3


class ModelError(GlossatorError):
    """The model gave no answer."""

    exit_code = 4


class ModelUnavailable(ModelError):
    """No connection, a timeout, 429, 502, 503, 504: another try or another endpoint may help."""


class ModelRefused(ModelError):
    """The server read the request and refused it."""


class ModelFileError(ModelError):
    """A model file is missing, has the wrong hash or cannot be stored."""


class HostError(GlossatorError):
    """The code host did not do what was asked. `status` is the HTTP status, 0 when there was no answer."""

    exit_code = 5

    def __init__(self, what: str, hint: str = "", status: int = 0) -> None:
        super().__init__(what, hint)
        self.status = status


class HostUnavailable(HostError):
    """No answer or a 5xx: the request may or may not have been carried out."""


class PermissionDenied(HostError):
    """The token may not do this."""


class NotFound(HostError):
    """There is no such thing, or the token may not see it."""


class RateLimited(HostError):
    """A primary or secondary rate limit. `retry_after` is in seconds."""

    def __init__(self, what: str, hint: str = "", status: int = 0, retry_after: float = 60.0) -> None:
        super().__init__(what, hint, status)
        self.retry_after = retry_after


class ValidationFailed(HostError):
    """422: GitHub understood the request and does not accept it. `messages` are GitHub's own."""

    def __init__(self, what: str, hint: str = "", status: int = 422, messages: tuple[str, ...] = ()) -> None:
        super().__init__(what, hint, status)
        self.messages = messages
