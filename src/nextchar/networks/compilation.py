"""Loops compiled by numba and cached on disk: once compiled, they load in a few tenths of a second.

numba itself fails where no folder can be written (a read-only installation without a home), where its files are
damaged, or where the disk is full. Here the loop is then compiled for this process, with one warning.
"""

# numba has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false, reportPrivateUsage=false

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, InTreeCacheLocator
from numba.core.sigutils import normalize_signature

logger = logging.getLogger("nextchar.networks")


_compiling = Event()


def is_compiling() -> bool:
    """Return whether this process had to compile a loop, because it was not cached."""
    return _compiling.is_set()


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator like `numba.njit` with ``options``, which caches its functions on disk where it can."""

    def decorate(function: Callable[..., Any]) -> Any:
        loop: Any = njit(**options)(function)
        loop._cache = _KeptLoop(function)  # what cache=True does, with numba's own class
        return loop

    return decorate


class _InProgramCache(InTreeCacheLocator):
    """The folder that ``NEXTCHAR_CACHE`` names."""

    def __init__(self, function: Any, path: str) -> None:
        super().__init__(function, path)
        self._cache_path = str(Path(os.environ["NEXTCHAR_CACHE"], "loops", self.get_suitable_cache_subpath(path)))

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        return super().from_function(py_func, py_file) if os.environ.get("NEXTCHAR_CACHE") else None


class _InReadOnlyTree(InTreeCacheLocator):
    """Beside the source, even if read-only: what the installation compiled is loaded from there."""

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        return cls(py_func, py_file)


class _Places(CompileResultCacheImpl):
    """numba's own places (``NUMBA_CACHE_DIR``, then beside the source), and ours."""

    _locator_classes = (
        *CompileResultCacheImpl._locator_classes[:2],
        _InProgramCache,
        *CompileResultCacheImpl._locator_classes[2:],
        _InReadOnlyTree,
    )


class _BesideSource(CompileResultCacheImpl):
    """The folder beside the source."""

    _locator_classes = (_InReadOnlyTree,)


class _InstalledLoop(FunctionCache):
    """The forms of one loop that the installation compiled, as that of a container image does: only read."""

    _impl_class = _BesideSource

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled form for ``sig``; None where there is none, or a damaged one."""
        try:
            return _matching(super().load_overload(sig, target_context), sig)
        except Exception as error:  # noqa: BLE001 (a pickle that is damaged ends in any)
            logger.info("compiled loops in %s cannot be read: %r", self.cache_path, error)
            return None


class _KeptLoop(FunctionCache):
    """The compiled forms of one loop on disk."""

    _impl_class = _Places

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._installed = _InstalledLoop(function)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled form for ``sig``, kept or installed; None where it has to be compiled."""
        try:
            loaded = _matching(super().load_overload(sig, target_context), sig)
        except Exception as error:  # noqa: BLE001 (a pickle that is damaged ends in any)
            self._forget(error)
            loaded = None
        if loaded is None:
            loaded = self._installed.load_overload(sig, target_context)
        if loaded is None:
            _compiling.set()
        return loaded

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store the compiled form for ``sig``, or warn that it cannot be stored."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _tell_unkept(self.cache_path, error.strerror or str(error))

    def _forget(self, error: Exception) -> None:
        """Delete damaged files, so that they are written again; if that fails, do without the cache."""
        logger.info("compiled loops in %s are damaged, and compiled again: %r", self.cache_path, error)
        try:
            self.flush()
        except OSError as denied:
            self.disable()
            _tell_unkept(self.cache_path, denied.strerror or str(denied))


def _matching(loaded: Any, sig: Any) -> Any:
    """Return ``loaded`` if it is the compiled form for ``sig``, else None.

    Two processes that compile at once may both take the same name for what they keep.
    """
    matches = loaded is not None and tuple(loaded.signature.args) == tuple(normalize_signature(sig)[0])
    return loaded if matches else None


@cache
def _tell_unkept(folder: str, reason: str) -> None:
    """Warn, once in a process, that compiled loops are not cached."""
    logger.warning(
        "The compiled loops cannot be kept in %s (%s): they are compiled in each process, some ten seconds. Set "
        "NEXTCHAR_CACHE or NUMBA_CACHE_DIR to a folder that can be written to.",
        folder,
        reason,
    )
