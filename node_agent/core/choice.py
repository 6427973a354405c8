"""Which option an answer means: by label, by place, or by yes and no. Never a guess: two that fit are a refusal."""

from __future__ import annotations

import re
from typing import List, Sequence

from node_agent.protocol.asks import AnswerAsk
from node_agent.protocol.entities import AskOption
from node_agent.terminal.sanitise import sanitise

LABEL_LIMIT = 200

_YES = re.compile(r"^(?:y|yes|allow|approve|accept|proceed|trust|ok|okay|continue|run|confirm|agree)\b", re.I)
_NO = re.compile(r"^(?:n|no|deny|reject|cancel|decline|abort|don'?t|refuse|quit|exit)\b", re.I)
_LASTING = re.compile(r"\b(?:always|don'?t ask|do not ask|never ask|all|session|remember|every|any)\b", re.I)
"""Words of a yes that says more than yes to this one question."""


class ChoiceError(Exception):
    """No option, or more than one, is what the answer means; the message says what there is."""


def choose(options: Sequence[AskOption], request: AnswerAsk) -> int:
    """The place of the option that `request` means by its label, place, or yes or no. Raises ChoiceError."""
    if request.option is not None:
        if not 1 <= request.option <= len(options):
            raise ChoiceError(f"there is no option {request.option}: {_listed(options)}")
        return request.option - 1
    if request.label is not None:
        return _only(_by_label(options, request.label), options, f"{request.label!r}")
    pattern = _YES if request.yes else _NO
    fitting = [place for place, option in enumerate(options) if pattern.search(option.label)]
    plain = [place for place in fitting if not _LASTING.search(options[place].label)]
    return _only(plain if len(fitting) > 1 else fitting, options, "yes" if request.yes else "no")


def _by_label(options: Sequence[AskOption], wanted: str) -> List[int]:
    """Options of that label, else those that begin with it, else the one whose key it is."""
    text = _plain(wanted)
    labels = [_plain(option.label) for option in options]
    exact = [place for place, label in enumerate(labels) if label == text]
    starting = [place for place, label in enumerate(labels) if text and label.startswith(text)]
    keyed = [place for place, option in enumerate(options) if option.key and option.key == wanted]
    return exact or starting or keyed


def _only(places: List[int], options: Sequence[AskOption], wanted: str) -> int:
    if len(places) == 1:
        return places[0]
    how_many = "several options mean" if places else "no option means"
    raise ChoiceError(f"{how_many} {wanted}: {_listed(options)}")


def _listed(options: Sequence[AskOption]) -> str:
    if not options:
        return "it shows none; answer with text or keys"
    return ", ".join(f"{place} {option.label}" for place, option in enumerate(options, 1))


def _plain(label: str) -> str:
    """A label as clients saw it, compared without case and spacing."""
    return " ".join(sanitise(label, LABEL_LIMIT).split()).casefold()
