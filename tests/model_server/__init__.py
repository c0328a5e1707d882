"""A stand-in model server on 127.0.0.1 that speaks as TGI, vLLM, llama.cpp or a plain OpenAI-style server does.

with ModelServer(careful_model, flavour="tgi") as server:
    ... server.url, server.requests
    server.faults.append(faults.status(503))

Or by itself: python -m tests.model_server --flavour openai --model obedient --port-file FILE --max-seconds 120
"""

from tests.model_server import faults
from tests.model_server.models import careful_model, empty_model, obedient_model
from tests.model_server.server import Exchanged, ModelServer, StandInModel

__all__ = ["Exchanged", "ModelServer", "StandInModel", "careful_model", "empty_model", "faults", "obedient_model"]
