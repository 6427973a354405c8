"""Puts variables into the text of a shell script, each quoted as its place wants.

What is put in is the name of a variable with balanced quotes around it, never a value: whatever a value holds, the
shell reads none of it as part of the script, not even where this reading of the quotes were wrong (POSIX Shell Command
Language, 2.2 Quoting, 2.6 Word Expansions, 2.7.4 Here-Document); there it could at worst fall into several words.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable

_STARTS_WORD = frozenset(" \t\n;&|()<>`")
_HERE = re.compile(r"<<(-?)[ \t]*((?:\\.|'[^'\n]*'|\"[^\"\n]*\"|[^\s;&|<>()'\"\\])+)")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_QUOTES = re.compile(r"['\"\\]")


class ShellError(ValueError):
    """A variable cannot stand where the script wants one; one line."""


class Frame(enum.Enum):
    """What encloses a place, by what opened it."""

    PLAIN = ""
    COMMAND = "("
    BACKTICK = "`"
    BRACE = "${"
    NUMBER = "$(("
    GROUP = "( in a NUMBER"
    DOUBLE = '"'
    DOUBLE_BRACE = '"${'
    HERE = "<<"


_COMMANDS = frozenset({Frame.PLAIN, Frame.COMMAND, Frame.BACKTICK})
_LIKE_DOUBLE = frozenset({Frame.DOUBLE, Frame.DOUBLE_BRACE, Frame.HERE})
_NUMBERS = frozenset({Frame.NUMBER, Frame.GROUP})

Naming = Callable[[re.Match[str], bool], str]
"""The variable for a reference, told whether it stands in arithmetic, where the shell reckons with what it holds."""


def with_variables(script: str, reference: re.Pattern[str], variable: Naming) -> str:
    """The script with a variable for each `reference`: one word outside quotes, and just its value inside any.

    Escaped ones and those in comments stay. Raises ShellError for one in a here-document that is taken literally.
    """
    return _Reader(script, reference, variable, Frame.PLAIN).read()


class _Reader:
    def __init__(self, text: str, reference: re.Pattern[str], variable: Naming, base: Frame) -> None:
        self._text = text
        self._reference = reference
        self._variable = variable
        self._frames = [base]
        self._at = 0
        self._out: list[str] = []
        self._here: list[tuple[str, bool, bool]] = []  # delimiter, whether it is quoted, whether tabs are cut

    def read(self) -> str:
        while self._at < len(self._text):
            match = self._reference.match(self._text, self._at)
            if match is not None:
                self._put(match)
            elif self._text[self._at] == "\\":
                self._copy(2)
            elif not (self._substitution() or self._end() or self._quote() or self._words()):
                self._copy(1)
        return "".join(self._out)

    def _copy(self, count: int) -> bool:
        self._out.append(self._text[self._at : self._at + count])
        self._at += count
        return True

    def _push(self, frame: Frame, opening: int) -> bool:
        self._frames.append(frame)
        return self._copy(opening)

    def _pop(self, closing: int) -> bool:
        self._frames.pop()
        return self._copy(closing)

    def _put(self, match: re.Match[str]) -> None:
        frame = self._frames[-1]
        name = self._variable(match, frame in _NUMBERS)
        self._out.append(f"${{{name}}}" if frame in _LIKE_DOUBLE | _NUMBERS else f'"${{{name}}}"')
        self._at = match.end()

    def _substitution(self) -> bool:
        rest = self._text[self._at : self._at + 3]
        if rest == "$((":
            return self._push(Frame.NUMBER, 3)
        if rest[:2] == "$(":
            return self._push(Frame.COMMAND, 2)
        if rest[:2] == "${":
            return self._push(Frame.DOUBLE_BRACE if self._frames[-1] in _LIKE_DOUBLE else Frame.BRACE, 2)
        if rest[:1] == "`":
            if Frame.BACKTICK not in self._frames:
                return self._push(Frame.BACKTICK, 1)
            while self._frames[-1] is not Frame.BACKTICK:  # backquotes are found before what they enclose is read
                self._frames.pop()
            return self._pop(1)
        if rest[:1] == "(" and self._frames[-1] in _NUMBERS:
            return self._push(Frame.GROUP, 1)
        return rest[:1] == "(" and self._frames[-1] in _COMMANDS and self._push(Frame.COMMAND, 1)

    def _end(self) -> bool:
        frame, char = self._frames[-1], self._text[self._at]
        if char == ")" and frame is Frame.NUMBER:
            return self._pop(2 if self._text.startswith("))", self._at) else 1)
        if char == ")" and frame in (Frame.COMMAND, Frame.GROUP):
            return self._pop(1)
        return char == "}" and frame in (Frame.BRACE, Frame.DOUBLE_BRACE) and self._pop(1)

    def _quote(self) -> bool:
        frame, char = self._frames[-1], self._text[self._at]
        if char == '"' and frame is not Frame.HERE:
            return self._pop(1) if frame is Frame.DOUBLE else self._push(Frame.DOUBLE, 1)
        return char == "'" and frame not in _LIKE_DOUBLE and self._single()

    def _single(self) -> bool:
        """Text in single quotes, which are ended for each variable and begun again."""
        end = self._text.find("'", self._at + 1)
        quoted = self._text[self._at : end + 1 if end >= 0 else len(self._text)]
        self._out.append(self._reference.sub(lambda match: f"""'"${{{self._variable(match, False)}}}"'""", quoted))
        self._at += len(quoted)
        return True

    def _words(self) -> bool:
        """Comments and here-documents, which only commands have."""
        if self._frames[-1] not in _COMMANDS:
            return False
        char = self._text[self._at]
        if char == "#" and (self._at == 0 or self._text[self._at - 1] in _STARTS_WORD):
            ends = "\n`" if Frame.BACKTICK in self._frames else "\n"
            end = min((at for mark in ends if (at := self._text.find(mark, self._at)) >= 0), default=len(self._text))
            return self._copy(end - self._at)
        if char == "\n" and self._here:
            self._copy(1)
            return self._here_documents()
        if self._text.startswith("<<<", self._at):
            return self._copy(3)
        if match := _HERE.match(self._text, self._at):
            word = match[2]
            self._here.append((_QUOTES.sub("", word), bool(_QUOTES.search(word)), bool(match[1])))
            return self._copy(len(match[0]))
        return False

    def _here_documents(self) -> bool:
        for delimiter, is_literal, cuts_tabs in self._here:
            length = 0
            for line in _LINE.findall(self._text, self._at):
                if (line.lstrip("\t") if cuts_tabs else line).rstrip("\n") == delimiter:
                    break
                length += len(line)
            body = self._text[self._at : self._at + length]
            if is_literal and (match := self._reference.search(body)):
                raise ShellError(
                    f"{match[0]} stands in a here-document that is taken literally; take the quotes off its {delimiter}"
                )
            read = _Reader(body, self._reference, self._variable, Frame.HERE).read
            self._out.append(body if is_literal else read())
            self._at += length
        self._here = []
        return True
