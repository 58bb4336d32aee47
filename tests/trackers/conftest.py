"""Whole clips turned in every way are left to `tox run -e nightly`; short ones run with all other tests."""

import os

collect_ignore_glob = [] if os.environ.get("NIGHTLY_TESTS") else ["test_nightly_*.py"]
