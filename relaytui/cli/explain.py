"""`relaytui explain`: why a session's attention is what it is."""

from __future__ import annotations

import time

import click

from node_agent.protocol.explain import ExplainSession, Explanation
from relaytui.cli.describe import session_json, state_words
from relaytui.cli.output import age, clean, print_json, print_table
from relaytui.cli.reach import run_async, target


@click.command()
@click.argument("session", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print an object with each piece of evidence.")
def explain(session: str | None, as_json: bool) -> None:
    """Say why a session is taken to be what it is.

    Its state and since when, the rule that decided, and every piece of evidence with its age.
    """

    async def work() -> None:
        async with target(session) as found:
            reply: Explanation = await found.client.request(ExplainSession(found.key.id))
            if as_json:
                print_json(_object(found.key.node, reply))
            else:
                _print(str(found.key), reply)

    run_async(work())


def _object(node: str, reply: Explanation) -> dict[str, object]:
    now = time.time()
    return {
        "session": session_json(node, reply.session),
        "rule": reply.rule,
        "note": reply.note,
        "evidence": [
            {"source": item.source, "text": item.text, "since": round(now - item.age, 3)} for item in reply.evidence
        ],
    }


def _print(key: str, reply: Explanation) -> None:
    print(clean(f"{key} {state_words(reply.session)} for {age(reply.session.attention_age)}"))
    facts = [("rule", reply.rule), ("note", reply.note)]
    for name, text in facts:
        if text:
            print(clean(f"{name}: {text}"))
    if reply.evidence:
        print_table(
            ("EVIDENCE", "AGE", "SAYS"),
            [(item.source, age(item.age), item.text) for item in reply.evidence],
        )
    else:
        print("there is no evidence yet: the state is not known")
