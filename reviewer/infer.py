"""From the inputs to a model, and from a bundle to a review: the step that may see neither token nor repository."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from reviewer.domain import Bundle, Review
from reviewer.model_catalogue import DEFAULT_MODEL
from reviewer.model_sources import Progress
from reviewer.review import Model, no_progress, review_pull_request
from reviewer.settings import Settings, parse_command_inputs


@asynccontextmanager
async def open_model(
    inputs: Mapping[str, object], settings: Settings, progress: Progress | None = None
) -> AsyncIterator[Model]:
    """The model that the inputs name: behind `endpoint-url`, else embedded in this process.

    Raises:
        ModelError: The model's file cannot be had. An endpoint is first asked when the first prompt is.
        UsageError: The address is none.
    """
    given = parse_command_inputs(inputs)
    if given.endpoint_url:
        from reviewer.endpoint import Endpoint

        async with Endpoint(
            given.endpoint_url,
            token=given.endpoint_token,
            model=given.model,
            fallback_url=given.fallback_url,
            timeout=settings.timeout,
            concurrency=settings.concurrency,
        ) as endpoint:
            yield endpoint
    else:
        from reviewer.local_model import LocalModel
        from reviewer.model_files import find_model

        yield LocalModel(find_model(given.model or DEFAULT_MODEL, progress))


async def infer_review(
    bundle: Bundle,
    inputs: Mapping[str, object],
    settings: Settings,
    on_progress: Callable[[int, int], None] = no_progress,
    progress: Progress | None = None,
) -> Review:
    """Open the model and review the bundle with it."""
    async with open_model(inputs, settings, progress) as model:
        return await review_pull_request(bundle, model, settings, on_progress)
