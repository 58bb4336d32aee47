"""The annotating page's server: what the page asks for, and the steps that it saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intergeneval.masks.writing import encode_picture
from intergeneval.pages.annotate.session import Session
from intergeneval.pages.loopback import LoopbackServer


class AnnotateServer(LoopbackServer):
    """Serves one session until it is closed."""

    package = "intergeneval.pages.annotate"
    page = "annotate"

    def __init__(self, session: Session, port: int = 0) -> None:
        self.session = session
        super().__init__(port)

    def give(self, name: str, asked: Mapping[str, str]) -> tuple[str, bytes] | Any:  # noqa: ARG002  # nothing is asked beside the name
        """Return the list of first frames, one of them, or what is known of it."""
        session, (kind, _, index) = self.session, name.rpartition("/")
        if name == "api/items":
            told = [
                {"key": item.key, "prompt": session.samples[item.sample_id].prompt, "done": session.done(place)}
                for place, item in enumerate(session.items)
            ]
            return {"model": session.model, "bench": session.root.name, "items": told}
        if kind == "api/item":
            return session.told(self._index(int(index)))
        if kind == "frame":
            return "image/png", encode_picture(session.frame(self._index(int(index))))
        raise KeyError(name)

    def take(self, name: str, job: Any) -> Any:
        """Do one step of annotating, and return what is known of the item then."""
        session, index = self.session, self._index(job["index"])
        match name:
            case "api/draw":
                return session.draw(index, job["instance"], job["box"])
            case "api/scribble":
                return session.scribble(index, job["instance"], job["stroke"], plus=bool(job["plus"]))
            case "api/erase":
                return session.erase(index, job["instance"])
            case "api/describe":
                return session.describe(index, job["instances"], job["interactions"])
        raise KeyError(name)

    def _index(self, index: int) -> int:
        """Return the index of a first frame. Raises IndexError where there is none."""
        if not 0 <= index < len(self.session.items):
            raise IndexError(f"first frame {index}")
        return index
