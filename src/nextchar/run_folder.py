"""The folder of a run: its files, each name spelled here alone, and the lock that keeps two processes apart.

settings.json            what was asked for and the plan that was chosen
model.safetensors        the best model so far
resume/state.safetensors everything an exact resume needs
events.jsonl             what happened, an event a line
samples.md               what the model wrote as it learned
report.html              the run as one page
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from nextchar.atomic_file import write_atomically
from nextchar.errors import ModelFileError, RunFolderError
from nextchar.events import Evaluated, Event, Finished, Recovered, Sampled, event_from_json
from nextchar.model_file import ModelFile
from nextchar.plan import Plan
from nextchar.settings import TextSettings, TrainingSettings
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


class RunSettings(BaseModel):
    """What a run follows from its first step to its last, resumed or not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    corpus: tuple[str, ...]
    """The texts as they were named, files by their absolute path."""
    names: tuple[str, ...]
    """What the texts are called."""
    corpus_key: str
    """Key of the encoded corpus in the cache."""
    text: TextSettings
    training: TrainingSettings
    plan: Plan
    device: str
    threads: int
    """Threads torch computes with; the order of its sums depends on it."""
    evaluations: int
    """Validations, each with samples, evenly over the plan."""
    prompt: str
    """What every sample goes on from."""


class RunFolder:
    """One run folder. Whoever writes to it holds its lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

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
        """Whether there is a run in the folder."""
        return (self.path / SETTINGS).exists()

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

    def check_free(self) -> None:
        """Do nothing if no run has begun in the folder.

        Raises:
            RunFolderError: there is a run in it already.
        """
        if self.exists:
            raise RunFolderError(
                f"There is a run in {self.path} already. Go on with `nextchar train --resume {self.path}`, "
                "or choose another --out."
            )

    def create(self, settings: RunSettings) -> None:
        """Begin a run in the folder.

        Raises:
            RunFolderError: there is a run in it already, or it cannot be written.
        """
        self.check_free()
        with self._writing():
            (self.path / STATE).parent.mkdir(exist_ok=True)
        self.save_settings(settings)

    def save_settings(self, settings: RunSettings) -> None:
        """Write what the run follows from here on.

        Raises:
            RunFolderError: it cannot be written; what was there before stays whole.
        """
        with self._writing():
            # json, unlike pydantic, carries file names whose bytes are no UTF-8: Python has lone surrogates for them.
            content = json.dumps(settings.model_dump(mode="json"), indent=2)
            write_atomically(self.path / SETTINGS, content.encode())

    def settings(self) -> RunSettings:
        """Return what the run follows.

        Raises:
            RunFolderError: there is no run in the folder, or its settings are damaged or of a newer version.
        """
        try:
            return RunSettings.model_validate(json.loads((self.path / SETTINGS).read_bytes()))
        except OSError as error:
            raise RunFolderError(
                f"{self.path} is no run folder: its {SETTINGS} cannot be read ({error.strerror or error})."
            ) from error
        except ValueError as error:  # pydantic's ValidationError is one
            raise RunFolderError(
                f"The {SETTINGS} of {self.path} is damaged, or of a newer nextchar; the run cannot be resumed, "
                f"but its {MODEL} can still be used."
            ) from error

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Write everything a resume needs.

        Raises:
            RunFolderError: it cannot be written; what was saved before stays whole.
        """
        with self._writing():
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
            RunFolderError: it is damaged.
        """
        path = self.path / STATE
        if not path.exists():
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
        with self._writing(), (self.path / EVENTS).open("a", encoding="utf-8") as file:
            file.write("".join(event.model_dump_json() + "\n" for event in events))

    def events(self) -> list[Event]:
        """Return the events logged, in order; a last line that was cut short by a kill is left out.

        Raises:
            RunFolderError: the log cannot be read.
        """
        path = self.path / EVENTS
        try:
            lines = path.read_bytes().splitlines() if path.exists() else []
        except OSError as error:
            raise RunFolderError(f"The log {path} cannot be read: {error.strerror or error}.") from error
        events: list[Event] = []
        for line in lines:
            try:
                events.append(event_from_json(line))
            except ValidationError:
                continue
        return events

    def forget_after(self, step: int) -> None:
        """Take out of the log what happened after ``step``, to where a resume goes back; it will happen again.

        Raises:
            RunFolderError: the log cannot be written.
        """
        kept = [event for event in self.events() if _step(event) <= step and not isinstance(event, Finished)]
        with self._writing():
            lines = "".join(event.model_dump_json() + "\n" for event in kept)
            write_atomically(self.path / EVENTS, lines.encode())

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

    def _remove_leftovers(self) -> None:
        """Remove files that a process was writing when it was killed."""
        with self._writing():
            for leftover in (*self.path.glob(".*.tmp"), *self.path.glob("resume/.*.tmp")):
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
        ModelFileError: there is none.
    """
    if not path.is_dir():
        if not path.exists():
            raise ModelFileError(f"There is no model {path}. Give a run folder or a .safetensors file.")
        return path
    if (path / MODEL).exists():
        return path / MODEL
    if (path / SETTINGS).exists():
        raise ModelFileError(f"The run in {path} was ended before it had a model: nextchar train --resume {path}")
    raise ModelFileError(f"The folder {path} holds no run: give a folder that `nextchar train` wrote, or a model file.")


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


def _step(event: Event) -> int:
    return event.back_to if isinstance(event, Recovered) else getattr(event, "step", 0)
