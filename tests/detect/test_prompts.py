"""What is read off screens: question, kind, options, what would be run; and what is not taken for a prompt."""

from __future__ import annotations

import pytest

from node_agent.detect.lines import asks_for_key, parse_line
from node_agent.detect.menus import find_buttons, find_composer, find_menu
from node_agent.detect.prompts import Shape, normalised
from node_agent.protocol.states import AskKind
from tests.detect.still import view_of

LINES = [
    ("Do you want to continue? [Y/n] ", AskKind.CONFIRM, ["Yes", "No"], "Yes"),
    ("Continue? [y/N] ", AskKind.CONFIRM, ["Yes", "No"], "No"),
    ("Continue? [y/N] ye", AskKind.CONFIRM, ["Yes", "No"], "No"),
    ("Proceed (Y/n)? ", AskKind.CONFIRM, ["Yes", "No"], "Yes"),
    ("Are you sure (yes/no/[fingerprint])? ", AskKind.CONFIRM, ["Yes", "No", "fingerprint"], None),
    ("Is this OK? (yes) ", AskKind.CONFIRM, ["Yes", "No"], "Yes"),
    ("Install these packages <y>? ", AskKind.CONFIRM, ["Yes", "No"], "Yes"),
    ("Save changes [yN]: ", AskKind.CONFIRM, ["Yes", "No"], "No"),
    ("Accept the licence? Answer yes or no: ", AskKind.CONFIRM, ["Yes", "No"], None),
    ("Reboot now (y/n) [n]: ", AskKind.CONFIRM, ["Yes", "No"], "No"),
    ("Really remove it? ", AskKind.CONFIRM, [], None),
    (
        "Add file to the chat? (Y)es/(N)o/(D)on't ask again [Yes]: ",
        AskKind.CHOICE,
        ["Yes", "No", "Don't ask again"],
        "Yes",
    ),
    (
        "replace a.txt? [y]es, [n]o, [A]ll, [N]one, [r]ename: ",
        AskKind.CHOICE,
        ["yes", "no", "All", "None", "rename"],
        None,
    ),
    ("*** f (Y/I/N/O/D/Z) [default=N] ? ", AskKind.CHOICE, ["Y", "I", "N", "O", "D", "Z"], "N"),
    ("(1/2) Stage this hunk [y,n,q,a,d,e,?]? ", AskKind.CHOICE, ["y", "n", "q", "a", "d", "e", "?"], None),
    ("Password: ", AskKind.PASSWORD, [], None),
    ("[sudo] password for ann: ", AskKind.PASSWORD, [], None),
    ("Enter passphrase for key '/home/ann/.ssh/id': ", AskKind.PASSWORD, [], None),
    ("Verification code: ", AskKind.PASSWORD, [], None),
    ("Username for 'https://example.org': ", AskKind.LOGIN, [], None),
    ("host login: ", AskKind.LOGIN, [], None),
    ("package name: (demo) ", AskKind.TEXT, [], None),
    ("How many epochs? ", AskKind.TEXT, [], None),
    ("Press any key to continue . . . ", AskKind.KEY, [], None),
    ("Hit ENTER when ready", AskKind.KEY, [], None),
]


@pytest.mark.parametrize(("line", "kind", "labels", "default"), LINES, ids=[line[0].strip() for line in LINES])
def test_line_at_the_cursor(line: str, kind: AskKind, labels: list[str], default: str | None) -> None:
    prompt = parse_line(line, [])
    assert prompt is not None
    assert prompt.kind is kind
    assert [option.label for option in prompt.options] == labels
    assert [option.label for option in prompt.options if option.default] == ([default] if default else [])


@pytest.mark.parametrize(
    "line", ["ann@host:~/src$ ", "root@host:/# ", "% ", ">>> ", "In [3]: ", "(Pdb) ", "mysql> ", "host% ", "λ "]
)
def test_prompt_of_a_shell_or_repl_asks_nothing(line: str) -> None:
    prompt = parse_line(line, [])
    assert prompt is not None
    assert prompt.shape is Shape.SHELL
    assert prompt.kind is None


@pytest.mark.parametrize(
    ("row", "is_asked"),
    [
        ("  Enter to continue · Esc to cancel", True),
        ("Press ENTER or type command to continue", True),
        ("Press any key to boot from the disk", True),
        ("Press Enter to open github.com in your browser...", True),
        ("Hit return when ready", True),
        (" › Press Enter to trigger a test run.", False),
        ("- press enter to continue", False),
        ("Type `r` and press enter to rerun tests", False),
    ],
)
def test_a_row_that_names_enter_asks_for_it_only_to_go_on(row: str, is_asked: bool) -> None:
    assert asks_for_key(row) is is_asked


def test_the_question_is_the_same_while_an_answer_is_typed() -> None:
    empty, typed = parse_line("Continue? [y/N] ", []), parse_line("Continue? [y/N] yes", [])
    assert empty is not None
    assert typed is not None
    assert normalised(empty.question) == normalised(typed.question)


def test_numbered_list_above_the_prompt() -> None:
    prompt = parse_line("Selection (default 2): ", ["Where to?", " 1) eu-west", " 2) us-east", " 3) nowhere"])
    assert prompt is not None
    assert [(option.label, option.key) for option in prompt.options] == [
        ("eu-west", "1"),
        ("us-east", "2"),
        ("nowhere", "3"),
    ]
    assert [option.key for option in prompt.options if option.default] == ["2"]
    assert prompt.question == "Where to? Selection (default 2):"


def test_a_numbered_list_is_asked_by_the_line_over_it() -> None:
    rows = ["Three tests fail.", "How shall I go on?", "  1. Fix the tests", "  2. Revert the change"]
    for between in ([], ["Both can be undone."]):
        prompt = parse_line("Enter a number [1-2]: ", [*rows, *between])
        assert prompt is not None
        assert prompt.question == "How shall I go on? Enter a number [1-2]:"
        assert [option.label for option in prompt.options] == ["Fix the tests", "Revert the change"]


@pytest.mark.parametrize("rows", [["Three tests fail.", "1. Fix them", "2. Revert"], ["What now?"], []])
def test_what_leads_on_to_no_list_is_no_part_of_the_question(rows: list[str]) -> None:
    prompt = parse_line("Enter a number [1-2]: ", rows)
    assert prompt is not None
    assert prompt.question == "Enter a number [1-2]:"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("elapsed 00:12:59, continue?", "elapsed 00:13:00, continue?"),
        ("Rebooting in 10 seconds", "Rebooting in 9 seconds"),
        ("⠋ waiting for approval", "⠙ waiting for approval"),
        ("| 12% of it", "/ 13% of it"),
    ],
)
def test_clocks_and_spinners_do_not_change_a_question(before: str, after: str) -> None:
    assert normalised(before) == normalised(after)


@pytest.mark.parametrize(
    ("before", "after"), [("remove 'file1'?", "remove 'file2'?"), ("(1/2) Stage?", "(2/2) Stage?")]
)
def test_a_number_in_a_question_counts(before: str, after: str) -> None:
    assert normalised(before) != normalised(after)


def test_menu_with_wrapped_and_described_options() -> None:
    menu = find_menu(
        view_of(
            "Which plan?\n"
            "\n"
            "  1. Fast\n"
            "     no tests at all\n"
            "❯ 2. Careful, with a very long label that\n"
            "     goes on\n"
            "  3. None\n"
            "\n"
            "  Enter to select"
        )
    )
    assert menu is not None
    assert menu.question == "Which plan?"
    assert [option.label for option in menu.options] == ["Fast", "Careful, with a very long label that", "None"]
    assert [option.key for option in menu.options if option.selected] == ["2"]


def test_menu_in_a_box() -> None:
    menu = find_menu(
        view_of(
            "╭──────────────────────────╮\n"
            "│ Allow execution?         │\n"
            "│                          │\n"
            "│ ● 1. Yes, allow once     │\n"
            "│   2. Yes, allow always   │\n"
            "│   3. No (esc)            │\n"
            "╰──────────────────────────╯"
        )
    )
    assert menu is not None
    assert menu.kind is AskKind.CONFIRM
    assert menu.question == "Allow execution?"
    assert [option.label for option in menu.options] == ["Yes, allow once", "Yes, allow always", "No"]
    assert [option.key for option in menu.options] == ["1", "2", "esc"]
    assert [option.selected for option in menu.options] == [True, False, False]


NO_MENUS = {
    "bullets of prose": "● I did this.\n● And that.\n● Shall I go on?",
    "things to do": "Plan\n  ☑ read the code\n  ☐ write the tests\n  ☐ run them",
    "a list that nothing marks": "Options:\n  1. Yes\n  2. No\n",
    "quoted mail": "> one\n> two\n> three\n",
    "a menu above a composer": "Do it?\n❯ 1. Yes\n  2. No\n\n────────────────────\n❯ \n────────────────────",
    "a menu long ago": "Do it?\n❯ 1. Yes\n  2. No\n" + "\n".join(f"building {n}" for n in range(15)),
    "a list with a hole": "❯ 1. Yes\n  2. No\n  7. Maybe",
}


@pytest.mark.parametrize("text", NO_MENUS.values(), ids=NO_MENUS)
def test_no_menu(text: str) -> None:
    assert find_menu(view_of(text)) is None


def test_buttons_of_a_dialog() -> None:
    text = (
        "┌────────────────────┐\n"
        "│ Restart services?  │\n"
        "│                    │\n"
        "│   <Yes>     <No>   │\n"
        "└────────────────────┘"
    )
    prompt = find_buttons(view_of(text, cursor=(3, 4)))
    assert prompt is not None
    assert prompt.kind is AskKind.CONFIRM
    assert prompt.question == "Restart services?"
    assert [option.label for option in prompt.options if option.selected] == ["Yes"]


def test_the_highlighted_button_is_the_selected_one() -> None:
    text = (
        "┌─────────────────────────────┐\n"
        "│ Keep?                       │\n"
        "│   <One>     <Two>    <Six>  │\n"
        "└─────────────────────────────┘"
    )
    prompt = find_buttons(view_of(text, inverse="<Two>"))
    assert prompt is not None
    assert [option.label for option in prompt.options if option.selected] == ["Two"]


def test_html_is_no_row_of_buttons() -> None:
    assert find_buttons(view_of("see <Yes> and <No> in the text")) is None


def test_composer_between_rules() -> None:
    rule = "─" * 30
    assert find_composer(view_of(f"{rule}\n❯ \n{rule}\n? for shortcuts")) is not None
    assert find_composer(view_of("building > \nmore")) is None
