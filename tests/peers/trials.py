"""Looks at what one live run left behind, test by test."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any


def tests_of(module: dict[str, Any]) -> list[tuple[str, Callable[[Any], None]]]:
    """The functions of a module that are tests, in their order."""
    return [(name, test) for name, test in module.items() if name.startswith("test_")]


def failures(tests: list[tuple[str, Callable[[Any], None]]], run: Any) -> int:
    """Runs all of them on `run`, tells how each went, and counts those that failed."""
    failed = 0
    for name, test in tests:
        try:
            test(run)
            print(f"{name} ... ok")
        except Exception as error:
            failed += 1
            print(f"{name} ... FAILED: {error}")
            if not isinstance(error, AssertionError):
                traceback.print_exc()
    return failed


def conclude(module: dict[str, Any], run: Any) -> int:
    """Runs a module's tests on `run`, prints how many passed, and returns the exit code."""
    tests = tests_of(module)
    failed = failures(tests, run)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0
