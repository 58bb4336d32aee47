"""Where a program touches the disk, counted; the n-th touch fails like a full disk, or ends the process like a kill."""

import contextlib
import errno
import os
from unittest import mock


class Counter:
    """Counts writes to the disk and lets the n-th fail (``full``, ``denied``) or end the process in its middle (``kill``)."""

    def __init__(self, at: int = 0, how: str = "") -> None:
        self.at, self.how, self.seen = at, how, 0
        self._write, self._fsync = os.write, os.fsync

    def _touch(self, half=lambda: None) -> None:
        self.seen += 1
        if self.seen == self.at:
            half()
            if self.how == "kill":
                os._exit(9)
            code = errno.EACCES if self.how == "denied" else errno.ENOSPC
            raise OSError(code, os.strerror(code))

    def write(self, handle, data):
        self._touch(lambda: self._write(handle, bytes(data[: len(data) // 2])))
        return self._write(handle, data)

    def fsync(self, handle):
        self._touch()
        return self._fsync(handle)

    def naming(self, call):
        """A call that gives, takes or makes a name; a full disk takes it, a kill may come before it."""

        def counted(*args, **kwargs):
            if self.how != "full":
                self._touch()
            return call(*args, **kwargs)

        return counted


@contextlib.contextmanager
def disk(counter):
    """Put a counter before the disk for the block."""
    with contextlib.ExitStack() as patches:
        for name in ("write", "fsync"):
            patches.enter_context(mock.patch.object(os, name, getattr(counter, name)))
        for name in ("replace", "rename", "unlink", "rmdir", "mkdir"):
            patches.enter_context(mock.patch.object(os, name, counter.naming(getattr(os, name))))
        yield counter


def in_child(work, counter):
    """Do some work in a process of its own behind a counter, and return (exit code, touches seen); -1: it left an exception."""
    reading, writing = os.pipe()
    real = os.write
    child = os.fork()
    if child == 0:
        code = 70
        try:
            with disk(counter):
                work()
            code = 0
        except BaseException:  # noqa: BLE001  # the child ends here, whatever it met
            code = 71
        finally:
            real(writing, str(counter.seen).encode())
            os._exit(code)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as stream:
        seen = int(stream.read() or b"0")
    return os.waitstatus_to_exitcode(status), seen
