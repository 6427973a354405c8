"""What every request is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Type


@dataclass(frozen=True)
class Done:
    """Nothing to say but that it is done."""


class Request:
    """Base of all requests: `op` is the name on the wire, `reply` the class that comes back."""

    op: ClassVar[str]
    reply: ClassVar[Type[Any]] = Done
