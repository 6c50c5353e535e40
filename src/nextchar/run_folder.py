"""The folder of a run: its files, each name spelled here alone, and the lock that keeps two processes apart.

settings.json            what was asked for and the plan that was chosen
model.safetensors        the best model so far
resume/state.safetensors everything an exact resume needs
events.jsonl             what happened, an event a line
samples.md               what the model wrote as it learned
report.html              the run as one page
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from filelock import FileLock, Timeout

from nextchar.atomic_file import TEMPORARY, write_atomically
from nextchar.errors import ModelFileError, RunFolderError
from nextchar.event_log import EventLog
from nextchar.events import Evaluated, Event, Sampled
from nextchar.model_file import ModelFile
from nextchar.run_settings import RunSettings
from nextchar.snapshot import Snapshot

SETTINGS, MODEL, STATE, EVENTS, SAMPLES, REPORT, LOCK = (
    "settings.json",
    "model.safetensors",
    "resume/state.safetensors",
    "events.jsonl",
    "samples.md",
    "report.html",
    ".lock",
)

_MOST_LISTED = 10_000
"""Entries of a folder that are looked at for a name like the one given."""


class RunFolder:
    """One run folder. Whoever writes to it holds its lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = EventLog(path / EVENTS)

    @property
    def model_path(self) -> Path:
        """The best model so far."""
        return self.path / MODEL

    @property
    def report_path(self) -> Path:
        """The run as one page."""
        return self.path / REPORT

    @property
    def exists(self) -> bool:
        """Whether there is a run in the folder, readable or not."""
        return os.path.lexists(self.path / SETTINGS)

    @contextmanager
    def lock(self, *, new: bool = True) -> Generator[None]:
        """Hold the folder against other processes; it is made for a ``new`` run, which it must be free for.

        Raises:
            RunFolderError: it cannot be made or written, another process holds it, or it is not free.
        """
        if new:
            self.check_free()
        else:
            self.settings()
        made = not self.path.exists()
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise RunFolderError(
                    f"The run folder {self.path} is in use by another process. Wait for it, or choose another --out."
                ) from None
        try:
            self._remove_leftovers()
            yield
        finally:
            if made and not self.exists:
                self._give_up(lock)
            lock.release()

    @property
    def is_free(self) -> bool:
        """Whether a run can begin in the folder: nothing that it would write over is there."""
        return not self.exists and not self._remains()

    def check_free(self) -> None:
        """Do nothing if a run can begin in the folder.

        Raises:
            RunFolderError: there is a run in it already, or something else that would be written over.
        """
        if self.exists:
            raise RunFolderError(
                f"There is a run in {self.path} already. Go on with `nextchar train --resume {self.path}`, "
                "or choose another --out."
            )
        if remains := self._remains():
            raise RunFolderError(
                f"There is a file in {self.path} that a run would write over, {remains[0]}, and no {SETTINGS} beside "
                "it. Choose another --out, or move it elsewhere."
            )

    def create(self, settings: RunSettings, events: Sequence[Event] = ()) -> None:
        """Begin a run in the folder, its log with what happened before, ``events``.

        Raises:
            RunFolderError: there is a run in it already, or it cannot be written.
        """
        self.check_free()
        with self._writing():
            (self.path / STATE).parent.mkdir(exist_ok=True)
            self._log.begin(events)
        self.save_settings(settings)  # last: with them, there is a run

    def save_settings(self, settings: RunSettings) -> None:
        """Write what the run follows from here on.

        Raises:
            RunFolderError: it cannot be written; what was there before stays whole.
        """
        with self._writing():
            write_atomically(self.path / SETTINGS, settings.to_json())

    def settings(self) -> RunSettings:
        """Return what the run follows.

        Raises:
            RunFolderError: there is no run in the folder, or its settings are damaged or of a newer version.
        """
        path = self.path / SETTINGS
        try:
            return RunSettings.from_json(path.read_bytes())
        except OSError as error:
            why = (
                f"its {SETTINGS} cannot be read ({error.strerror or error})"
                if self.path.exists()
                else "it is not there"
            )
            raise RunFolderError(f"{self.path} is no run folder: {why}.{did_you_mean(self.path)}") from error
        except ValueError as error:
            raise RunFolderError(
                f"{path} cannot be followed. {error} Put back what was there and resume, or train anew; the {MODEL} "
                "beside it, where there is one, can still be used."
            ) from error

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Write everything a resume needs, when all that is in the log is sure to stay.

        Raises:
            RunFolderError: it cannot be written; what was saved before stays whole.
        """
        with self._writing():
            self._log.sync()
            write_atomically(self.path / STATE, snapshot.to_bytes())

    def save_model(self, model: ModelFile) -> None:
        """Write the best model so far.

        Raises:
            RunFolderError: it cannot be written; the one that was there stays.
        """
        with self._writing():
            model.save(self.model_path)

    def snapshot(self) -> Snapshot | None:
        """Return the state that was saved last; None where the run was ended before its first save.

        Raises:
            RunFolderError: it is damaged, or gone.
        """
        path = self.path / STATE
        if not os.path.lexists(path):
            if self.model_path.exists():  # a state is saved before a model: to begin anew would write over that
                raise RunFolderError(
                    f"{path} is gone, with which the run could be resumed: put it back, or train anew. The {MODEL} of "
                    "the run can still be used."
                )
            return None
        try:
            return Snapshot.from_bytes(path.read_bytes())
        except (OSError, ValueError) as error:
            raise RunFolderError(
                f"{path} cannot be read or is damaged ({error}); the run cannot be resumed, but its {MODEL} can still "
                "be used."
            ) from error

    def append(self, events: Sequence[Event]) -> None:
        """Log ``events``.

        Raises:
            RunFolderError: they cannot be written.
        """
        with self._writing():
            self._log.append(events)

    def events(self) -> list[Event]:
        """Return the events logged, in order; lines that are no events are left out.

        Raises:
            RunFolderError: the log cannot be read.
        """
        try:
            return self._log.events()
        except OSError as error:
            raise RunFolderError(f"The log {self._log.path} cannot be read: {error.strerror or error}.") from error

    def forget_after(self, step: int, recoveries: int | None = None) -> None:
        """Take out of the log what will happen again when the run goes on from the state at ``step``, which tells of so
        many ``recoveries``.

        Raises:
            RunFolderError: the log cannot be written.
        """
        with self._writing():
            self._log.forget_after(step, recoveries)

    def write_samples(self) -> None:
        """Write samples.md anew from the log.

        Raises:
            RunFolderError: it cannot be written.
        """
        with self._writing():
            write_atomically(self.path / SAMPLES, samples_page(self.events()).encode())

    def write_report(self, page: str) -> None:
        """Write report.html.

        Raises:
            RunFolderError: it cannot be written.
        """
        with self._writing():
            write_atomically(self.report_path, page.encode("utf-8", "replace"))

    @contextmanager
    def _writing(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            saved = "What was saved in it before is whole. " if self.exists else ""
            raise RunFolderError(
                f"The run folder {self.path} cannot be written: {error.strerror or error}. {saved}Free the disk or "
                f"change the permissions{' and resume' if saved else ''}, or choose another --out."
            ) from error

    def _remains(self) -> list[str]:
        """Return the names of files that a run writes over, where they are without the settings of one."""
        return [name for name in (MODEL, STATE, SAMPLES, REPORT) if os.path.lexists(self.path / name)]

    def _remove_leftovers(self) -> None:
        """Remove files that a process was writing when it was killed."""
        with self._writing():
            for leftover in (*self.path.glob(TEMPORARY), *self.path.glob(f"resume/{TEMPORARY}")):
                leftover.unlink(missing_ok=True)

    def _give_up(self, lock: FileLock) -> None:
        """Remove the folder, made for a run that did not begin, where the system can remove a file that is open."""
        with suppress(OSError):
            (self.path / LOCK).unlink()
            lock.release()
            self.path.rmdir()


def find_model(path: Path) -> Path:
    """Return the model file that ``path``, a run folder or a model file, stands for.

    Raises:
        ModelFileError: there is none; where there is one of nearly that name, it is told.
    """
    if not path.is_dir():
        if not path.exists():
            hint = did_you_mean(path) or " Give a run folder or a .safetensors file."
            raise ModelFileError(f"There is no model {path}.{hint}")
        return path
    if (path / MODEL).exists():
        return path / MODEL
    if (path / SETTINGS).exists():
        raise ModelFileError(f"The run in {path} was ended before it had a model: nextchar train --resume {path}")
    hint = did_you_mean(path) or " Give a folder that `nextchar train` wrote, or a model file."
    raise ModelFileError(f"The folder {path} holds no run.{hint}")


def did_you_mean(path: Path, runs: Path = Path("runs")) -> str:
    """Return the question whether the run or model with the name nearest to that of ``path`` is meant, which is beside
    it or in the folder ``runs``; nothing where none is near."""
    named = path.parent if path.is_file() or path.name in {MODEL, SETTINGS} else path
    # What is beside it comes last, and counts where both have the name.
    near = [found for folder in (runs, named.parent) for found in _models_in(folder) if found != path]
    by_name = {found.name.casefold(): found for found in near}
    names = difflib.get_close_matches(named.name.casefold(), by_name, n=1)
    return f" Did you mean {by_name[names[0]]}?" if names else ""


def _models_in(folder: Path) -> list[Path]:
    """Return the runs and model files in ``folder``, which need not be there."""
    with suppress(OSError):
        listed = sorted(islice(folder.iterdir(), _MOST_LISTED))
        return [
            one for one in listed if one.suffix == ".safetensors" or RunFolder(one).exists or (one / MODEL).exists()
        ]
    return []


def samples_page(events: list[Event]) -> str:
    """Return samples.md: what the model wrote at each evaluation and temperature."""
    page = ["# What the model wrote as it learned\n"]
    for event in events:
        if isinstance(event, Evaluated):
            bits, where = event.validation_bits_per_character, "the held-out text"
            if bits is None:
                bits, where = event.training_bits_per_character, "the text learned from"
            elif event.scored_characters:
                where = f"{event.scored_characters:,} characters of {where}"
            page.append(f"## Step {event.step}, epoch {event.epoch:.2f}: {bits:.3f} bits per character on {where}\n")
        elif isinstance(event, Sampled):
            # A fence longer than any in the text shows the text as it is.
            longest = max(map(len, re.findall("`+", event.prompt + event.text)), default=0)
            fence = "`" * max(3, longest + 1)
            page.append(f"Temperature {event.temperature}:\n\n{fence}text\n{event.prompt}{event.text}\n{fence}\n")
    return "\n".join(page)
