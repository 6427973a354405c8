"""Where attempts are: their nodes and sessions in the fleet, whatever the config calls the nodes by now."""

from __future__ import annotations

from collections.abc import Iterable

from relaytui.fleet.model import Fleet
from relaytui.fleet.views import NodeView, SessionView
from relaytui.hub.jobs.model import Job


class Whereabouts:
    """Answers for one dispatcher, from what the fleet last said; times are the fleet's monotonic seconds."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._sessions: dict[tuple[str, int], SessionView] = {}
        self._missed: dict[int, float] = {}  # by token: since when its node is in no config of ours

    def look(self, held: Iterable[Job]) -> None:
        """Take in what the fleet knows now; `held` are the attempts that will be asked for."""
        self._sessions = {
            (view.info.job, view.info.token): view
            for key, view in self._fleet.sessions.items()
            if view.info.job and not self._fleet.is_stale(key)
        }
        tokens = {job.token for job in held}
        self._missed = {token: since for token, since in self._missed.items() if token in tokens}

    def session_of(self, job: Job) -> SessionView | None:
        """The attempt's session as its node reports it live."""
        return self._sessions.get((job.id, job.token))

    def node_of(self, job: Job) -> NodeView | None:
        """The attempt's node; None where no node is known to be it."""
        nodes = self._fleet.nodes
        if (session := self.session_of(job)) is not None:
            return nodes.get(session.key.node)  # it may have been removed since the last look
        if job.node_uuid:
            for node in nodes.values():
                if node.info is not None and node.info.uuid == job.node_uuid and not node.duplicate_of:
                    return node
        named = nodes.get(job.node)
        is_another = job.node_uuid and named is not None and named.info is not None
        return None if is_another else named

    def silence(self, job: Job, node: NodeView | None, now: float) -> tuple[float, str]:
        """For how long the attempt's node has not been heard, and why that is."""
        if node is not None:
            return now - node.status.since, node.status.words(now)
        since = self._missed.setdefault(job.token, now)
        is_taken = job.node in self._fleet.nodes
        return now - since, f"{job.node} is another machine now" if is_taken else "it is not in the config"
