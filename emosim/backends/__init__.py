"""Backends: everything that can answer a chat request.

`resolve_backend("openai:gpt-5-mini", seat="user")` is the way in. Every backend takes a batch of `ChatRequest` and
returns one answer for each, a `ChatResponse` or the `BackendError` that is left after bounded retries. `Meter` counts
and limits what is spent. SDKs are imported at the first call that needs them.
"""

from emosim.backends.keys import Secret
from emosim.backends.lean import LeanTransport
from emosim.backends.local import LocalTransport
from emosim.backends.meter import Meter, Price, load_prices
from emosim.backends.model import Limits, ModelBackend
from emosim.backends.protocol import Transport, Wire
from emosim.backends.replay import ReplayBackend
from emosim.backends.resolve import Settings, resolve_backend
from emosim.backends.scripted import ScriptedBackend
from emosim.backends.sdks import LiteLLMTransport, OpenAITransport
from emosim.backends.weights import fetch_model, find_weights

__all__ = [
    "LeanTransport",
    "Limits",
    "LiteLLMTransport",
    "LocalTransport",
    "Meter",
    "ModelBackend",
    "OpenAITransport",
    "Price",
    "ReplayBackend",
    "ScriptedBackend",
    "Secret",
    "Settings",
    "Transport",
    "Wire",
    "fetch_model",
    "find_weights",
    "load_prices",
    "resolve_backend",
]
