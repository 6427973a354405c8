"""Prompts on one line that ends at the cursor: `[y/N]`, letters, numbers, passwords, logins, text, a shell's prompt."""

from __future__ import annotations

import re
from typing import List, Match, Optional, Pattern, Sequence, Tuple

from node_agent.detect.prompts import Prompt, Shape
from node_agent.protocol.entities import AskOption
from node_agent.protocol.states import AskKind

_TYPED = r"(?P<typed>[\w./+-]{0,24})$"
"""What somebody may have typed already after a prompt that takes a short answer."""

_YES_NO = re.compile(
    r"[\[(<{]\s*(?P<yes>y(?:es)?)\s*[/|,]\s*(?P<no>n(?:o)?)(?P<more>(?:\s*[/|,]\s*[\[\]\w?]+)*)\s*[\])>}]"
    r"|(?<!\w)(?P<yes2>yes|y)/(?P<no2>no|n)(?!\w)"
    r"|[\[(<](?P<yes3>y)(?P<no3>n)[\])>]"
    r"|\b(?P<yes4>yes) or (?P<no4>no)\b",
    re.I,
)
_DEFAULT = re.compile(r"[\[(<](?:default\s*[=:]?\s*)?(?P<default>\w[\w ./-]{0,30})[\])>]", re.I)
_AFTER_GROUP = re.compile(r"[\s:?>\])}.…]*(?:[\[(<][^\])>]{0,24}[\])>])?[\s:?>]*" + _TYPED)
_ONE_ANSWER = re.compile(r"[\[(<](?P<answer>yes|no|y|n)[\])>]\s*[?:]?\s*" + _TYPED, re.I)

_LETTERS = re.compile(r"[\[(<](?P<letters>[A-Za-z?!](?:,[A-Za-z?!/]|[/|][A-Za-z?!]){1,14})[\])>]")
_LABELLED = re.compile(r"[\[(](?P<key>\w)[\])](?P<rest>[\w']+(?: [a-z]\w*)*)")
_NUMBERED = re.compile(r"^\s*[>*❯]?\s*[\[(]?(?P<number>\d{1,3})[\])\].:]\s*(?P<label>\S.*)$")
_MARKED = re.compile(r"^\? (?P<line>\S.*)$")
"""The mark of inquirer and its kin before the question that is open."""
_EXPAND = re.compile(r"\((?P<keys>(?=[a-z]*[A-Z][a-z]*h?\))[A-Za-z]{1,12}[hH])\)\s*\w?$")
_LETTERED = re.compile(r"^\s{1,8}(?P<letter>[A-Za-z])\s{2,}(?P<label>[a-z]\S*.*)$")
_PICK = re.compile(
    r"(?:^\s*#\?\s*|(?:choice|choose|select|selection|pick|option|number|enter\s+\d|\[\d+\s*[-–/,]\s*\d+\]"
    r"|\(\d+\s*[-–/,]\s*\d+\))[^\n]{0,60}[:?>#\])]\s*)" + _TYPED,
    re.I,
)
_SHELL = re.compile(
    r"(?:^|\s)(?:>>>|\.\.\.|In \[\d+\]:|[^\s]*[>$#%❯›»λ]"
    r"|(?:[\w.-]+@)?[\w.~/:\[\] @-]*[$#%❯›»λ>]|\([\w-]{1,20}\))\s*$"
)

_HIDDEN_THINGS = (
    r"pass(?:word|phrase|code|wd)|\bpin\b|secret|\btoken\b|api[ _-]?key|otp\b"
    r"|(?:verification|authenticat\w+|one-time|2fa) code"
)
_SECRET = re.compile(rf"(?:{_HIDDEN_THINGS})[^\n]{{0,80}}?(?:\([^)]*\)|\[[^\]]*\])?\s*[:>?]\s*[*•]*\s*$", re.I)
_LOGIN = re.compile(r"(?:^|\b)(?:login|user ?name|user id)\b(?: for [^\n]{0,80})?\s*[:>]\s*" + _TYPED, re.I)
_KEY = re.compile(
    r"(?:press|hit|strike|push|type)\s+(?:\W?(?:any key|enter|return|space|a key|<?cr>?)\b)"
    r"|^\W*(?:enter|return|space|any key) to (?:continue|proceed|dismiss)\b",
    re.I,
)
_KEY_IN_A_LIST = re.compile(r"^\s*[›•·▸►*-]\s")
_KEY_FOR = re.compile(r"(?:\W*key)?\W*\bto\s+(?P<verb>[a-z]+)", re.I)
_GOING_ON = re.compile(
    r"accept|acknowledge|begin|close|confirm|continue|dismiss|end|exit|finish|go|halt|leave|open|power|proceed|quit|reboot"
    r"|restart|resume|retry|return|shut(?:down)?|skip|start",
    re.I,
)
"""What Enter is pressed for where the program waits for it. Others name it among the keys they take: to rerun tests."""
_ASKING_VERB = re.compile(
    r"\b(?:continue|proceed|overwrite|remove|delete|replace|ok|okay|do you|would you|want to|are you|sure|accept"
    r"|install|abort)\b",
    re.I,
)
_PYTHON_LIKE = re.compile(
    r"^\s*(?:>>>|\.\.\.|In \[\d+\]:|\((?:\w*[Pp]?db\+*|[Cc]md)\)|irb[^>]*[>*]|iex[^>]*>|\w+=?[=*(-]?[#>])\s*$"
)
_PROMPT_END = re.compile(r"[:?>\])#$%❯›»]\s*$")


def parse_line(before: str, above: Sequence[str]) -> Optional[Prompt]:
    """What the line left of the cursor asks; `above` are the rows over it, nearest last."""
    marked = _MARKED.match(before)
    if marked is not None:
        return _library_line(marked["line"], above)
    return _line(before, above)


def _library_line(line: str, above: Sequence[str]) -> Prompt:
    """What a prompt library asks after its mark; a letter for each choice and one for help may stand in brackets."""
    expand = _EXPAND.search(line)
    if expand is not None:
        default = next(key.lower() for key in expand["keys"] if key.isupper())
        options = tuple(AskOption(key, key, default=key == default) for key in expand["keys"].lower())
        return Prompt(Shape.LINE, AskKind.CHOICE, _clean(line[: expand.start()]), options, rule="line: letters")
    found = _line(line, above)
    if found is None or found.kind is None:
        return Prompt(Shape.LINE, AskKind.TEXT, _clean(line), rule="line: text")
    return found


def _line(before: str, above: Sequence[str]) -> Optional[Prompt]:
    line = before.rstrip()
    if not line.strip():
        return None
    return (
        _secret(line)
        or _letters(line)
        or _yes_no(line, above)
        or _numbered(line, above)
        or _login(line)
        or _key(line)
        or _shell(before)
        or _open_question(before, above)
    )


def ends_like_prompt(before: str) -> bool:
    """Whether the text left of the cursor ends as prompts do."""
    return bool(before.strip() and _PROMPT_END.search(before.rstrip()))


def is_repl_prompt(before: str) -> bool:
    """Whether the text is an interpreter's or debugger's own prompt, whoever prints it."""
    return bool(_PYTHON_LIKE.match(before))


def asks_for_key(row: str) -> bool:
    """Whether a row away from the cursor tells to press a key to go on, and not what keys there are."""
    match = _KEY.search(row)
    if match is None or _KEY_IN_A_LIST.match(row):
        return False
    purpose = _KEY_FOR.match(row, match.end())
    return purpose is None or "any key" in match.group(0).lower() or _GOING_ON.fullmatch(purpose["verb"]) is not None


def _secret(line: str) -> Optional[Prompt]:
    return Prompt(Shape.LINE, AskKind.PASSWORD, _clean(line), rule="line: password") if _SECRET.search(line) else None


def _yes_no(line: str, above: Sequence[str]) -> Optional[Prompt]:
    match = _last(_YES_NO, line)
    if match is None or not _AFTER_GROUP.fullmatch(line, match.end()):
        single = _ONE_ANSWER.search(line)
        if single is None or not _ASKING_VERB.search(line):
            return None
        options = _yes_no_options("yes", "no", single["answer"])
        return Prompt(
            Shape.LINE, AskKind.CONFIRM, _clean(line[: single.start("typed")]), options, rule="line: yes or no"
        )
    yes = next(match[name] for name in ("yes", "yes2", "yes3", "yes4") if match[name])
    no = next(match[name] for name in ("no", "no2", "no3", "no4") if match[name])
    tail = _AFTER_GROUP.fullmatch(line, match.end())
    end = tail.start("typed") if tail else len(line)
    stated = _DEFAULT.search(line, match.end())
    default = stated["default"] if stated else ""
    if not default and yes[0].isupper() != no[0].isupper():
        default = yes if yes[0].isupper() else no
    options = _yes_no_options(yes, no, default)
    options += tuple(AskOption(word) for word in re.findall(r"\w{2,}", match["more"] or ""))
    question = line[:end]
    if not question[: match.start()].strip(" ?:") and above:
        question = f"{above[-1].strip()} {question.strip()}"
    return Prompt(Shape.LINE, AskKind.CONFIRM, _clean(question), options, rule="line: yes or no")


def _yes_no_options(yes: str, no: str, default: str) -> Tuple[AskOption, ...]:
    first = default[:1].lower()
    return (
        AskOption("Yes", yes.lower(), default=first == "y"),
        AskOption("No", no.lower(), default=first == "n"),
    )


def _letters(line: str) -> Optional[Prompt]:
    group = _last(_LETTERS, line)
    if group is not None and _AFTER_GROUP.fullmatch(line, group.end()):
        keys = re.split("," if "," in group["letters"] else r"[/|]", group["letters"])
        if not {key.lower() for key in keys} <= {"y", "n", "?"}:
            default = _DEFAULT.search(line, group.end())
            options = tuple(
                AskOption(key, key, default=bool(default) and default is not None and default["default"] == key)
                for key in keys
            )
            return Prompt(Shape.LINE, AskKind.CHOICE, _clean(line), options, rule="line: letters")
    labelled = list(_LABELLED.finditer(line))
    if len(labelled) >= 2 and len(line) - labelled[-1].end() < 40:
        default = _DEFAULT.search(line, labelled[-1].end())
        stated = default["default"].lower() if default else ""
        options = tuple(_labelled_option(match["key"], match["rest"], stated) for match in labelled)
        labels = [option.label.lower() for option in options]
        kind = AskKind.CONFIRM if labels == ["yes", "no"] else AskKind.CHOICE
        return Prompt(Shape.LINE, kind, _clean(line), options, rule="line: letters")
    return None


def _labelled_option(key: str, rest: str, stated: str) -> AskOption:
    label = key + rest
    return AskOption(label, key.lower(), default=stated in (label.lower(), key.lower()))


def _numbered(line: str, above: Sequence[str]) -> Optional[Prompt]:
    options, first_row = _list_above(above)
    picked = _PICK.search(line)
    if picked is None and not (len(options) >= 2 and re.search(r"[:?>#]\s*\d*$", line)):
        return None
    stated = _DEFAULT.search(line)
    default = stated["default"].strip() if stated else ""
    marked = tuple(AskOption(option.label, option.key, default=option.key == default) for option in options)
    question = line[: picked.start("typed")] if picked and picked.groupdict().get("typed") else line
    heading = _heading(above[:first_row]) if options or re.match(r"^\s*#\?", line) else ""
    return Prompt(Shape.LINE, AskKind.CHOICE, _clean(f"{heading} {question}"), marked, rule="line: numbers")


def numbered_options(above: Sequence[str]) -> List[AskOption]:
    """The numbered (or lettered) list that ends within three rows above the prompt."""
    return _list_above(above)[0]


def _list_above(above: Sequence[str]) -> Tuple[List[AskOption], int]:
    """That list, and the row it begins in."""
    options: List[AskOption] = []
    first_row = len(above)
    gap = 0
    for row in range(len(above) - 1, max(-1, len(above) - 41), -1):
        text = above[row]
        match = _NUMBERED.match(text)
        lettered = None if match else _LETTERED.match(text)
        if match:
            options.append(AskOption(_clean(match["label"]), match["number"]))
        elif lettered:
            options.append(AskOption(_clean(lettered["label"]), lettered["letter"]))
        elif options:
            break
        else:
            gap += 1
            if gap > 3:
                break
        if options:
            first_row = row
    options.reverse()
    return (options, first_row) if len(options) >= 2 else ([], len(above))


def _heading(above: Sequence[str]) -> str:
    """The last of these rows, where it leads on to what stands below."""
    rows = [text for text in above if text.strip()]
    return rows[-1].strip() if rows and rows[-1].rstrip().endswith((":", "?")) else ""


def _login(line: str) -> Optional[Prompt]:
    match = _LOGIN.search(line)
    if match is None:
        return None
    return Prompt(Shape.LINE, AskKind.LOGIN, _clean(line[: match.start("typed")]), rule="line: login")


def _key(line: str) -> Optional[Prompt]:
    return Prompt(Shape.KEY, AskKind.KEY, _clean(line), rule="line: press a key") if _KEY.search(line) else None


def _shell(before: str) -> Optional[Prompt]:
    is_question = re.search(r"[?:\])]\s*>?\s*$", before.rstrip("> "))
    if len(before) <= 160 and _SHELL.search(before) and not is_question and not re.search(r"\d%\s*$", before):
        return Prompt(Shape.SHELL, None, _clean(before), rule="line: shell prompt")
    return Prompt(Shape.SHELL, None, _clean(before), rule="line: REPL prompt") if is_repl_prompt(before) else None


def _open_question(before: str, above: Sequence[str]) -> Optional[Prompt]:
    line = before.rstrip()
    end = re.search(r"^.*?[:?>](?:\s*[\[(][^\])]*[\])])?\s", before)
    if end is None and not _PROMPT_END.search(line):
        return None
    question = end.group(0) if end and not _PROMPT_END.search(line) else line
    if re.search(r"\?\s*$", question) and _ASKING_VERB.search(question):
        return Prompt(Shape.LINE, AskKind.CONFIRM, _clean(question), rule="line: question")
    if len(question.strip()) <= 2 and above:  # a bare ">" or ":" belongs to the line above
        question = f"{above[-1].strip()} {question.strip()}"
    return Prompt(Shape.LINE, AskKind.TEXT, _clean(question), rule="line: text")


def _last(pattern: Pattern[str], line: str) -> Optional[Match[str]]:
    matches = list(pattern.finditer(line))
    return matches[-1] if matches else None


def _clean(text: str) -> str:
    return " ".join(text.split())[-400:]
