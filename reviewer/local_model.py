"""The embedded model, in process (xllamacpp)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from reviewer.prompt import Prompt
from reviewer.review import Reply


class LocalModel:
    """A GGUF model in this process."""

    def __init__(self, path: Path) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = 8192
        params.n_parallel = 1
        threads = max(1, (os.cpu_count() or 2) - 1)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.verbosity = -1
        self.name = path.stem
        self._server = xllamacpp.Server(params)

    async def complete(self, prompt: Prompt) -> Reply:
        """Answer one prompt."""
        return await asyncio.to_thread(self._complete, prompt)

    def _complete(self, prompt: Prompt) -> Reply:
        answer: dict[str, Any] = self._server.handle_chat_completions(
            {
                "messages": prompt.messages,
                "temperature": 0,
                "max_tokens": prompt.max_tokens,
                "response_format": {"type": "json_schema", "json_schema": {"name": "review", "schema": prompt.schema}},
            }
        )
        choice = answer["choices"][0]
        return Reply(choice["message"]["content"], cut=choice["finish_reason"] == "length")
