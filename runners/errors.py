"""What can go wrong with machines, below `reviewer.errors.GlossatorError`.

GlossatorError
├── CloudError     8   the cloud said no, or nothing: credentials, a lease, a reservation
├── RunnerError    9   GitHub gives no runner, or a runner cannot be started
└── ServingError  10   a GPU or a model that cannot be served
"""

from __future__ import annotations

from reviewer.errors import GlossatorError


class CloudError(GlossatorError):
    """The cloud did not do what was asked. The message names the request, never a secret."""

    exit_code = 8


class RunnerError(GlossatorError):
    """There is no runner: GitHub refused it, or the machine cannot start it."""

    exit_code = 9


class ServingError(GlossatorError):
    """A model cannot be served: no such GPU, not enough memory, no backend that fits."""

    exit_code = 10
