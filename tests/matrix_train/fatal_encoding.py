"""Workers of a cache that end at the clips they are told, in a module that a fresh process can import."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from matrix_train.data.workers import EncodeSetup


@dataclass(frozen=True, slots=True, kw_only=True)
class FatalSetup(EncodeSetup):
    """Encodes, writes down in which process, and ends that process at the clips ``kills``."""

    log: Path
    kills: tuple[str, ...] = ()

    def build(self):
        do = EncodeSetup.build(self)

        def watched(job):
            name = job.clip.id if job.clip is not None else "the empty caption"
            with self.log.open("a") as stream:
                stream.write(f"{os.getpid()} {name}\n")
            if name in self.kills:
                os.kill(os.getpid(), signal.SIGKILL)
            return do(job)

        return watched
