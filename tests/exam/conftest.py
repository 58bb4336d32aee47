"""Fixtures of the exam's tests."""

from tests.exam.fake_judges import fake_judges

__all__ = ["fake_judges"]
