"""Damaged, strange and hostile model files: every load must end in a model or in a sentence.

A seed turns a sound file into a damaged one: bytes changed anywhere; headers changed, with a new checksum so that the
change gets past it; configs, archives and arrays of Keras that ask for more than exists. Another process loads it with
a bound on memory. A model that loads must also write some characters and be saved again. Failures are any other
exception, a crash, or more memory or time; the output gives the seed that reproduces the file.

    python benchmarks/robustness/models.py                                  some 4,000 files, minutes
    python benchmarks/robustness/models.py --safetensors 60000 --html 20000 --keras 5000 --h5 5000 --weights 10000
    python benchmarks/robustness/models.py --safetensors 200 --html 50 --keras 15 --h5 15 --weights 30   some 20 s
    python benchmarks/robustness/models.py --only keras:0:17 --keep FILE    that one file, in this process
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np
from mutations import json_bytes, mutated_bytes, mutated_json
from safetensors.numpy import save

from nextchar.convert import keras_model
from nextchar.convert.characters import ListedCharacters
from nextchar.convert.keras_library import keras_loaded
from nextchar.errors import NextcharError
from nextchar.files import tensor_file
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture
from nextchar.page import build_page
from nextchar.text.vocabulary import Vocabulary

CHARACTERS = "\n abc"
MEMORY = 2**30
"""Bytes that a process may use beyond those before it loads anything."""
PATIENCE = 120.0
"""Seconds for one file, on a busy machine too."""
MAX_SENTENCE = 1000
"""Characters of a sentence."""
COUNTS = {"safetensors": 2500, "html": 800, "keras": 150, "h5": 150, "weights": 400}
OF_KERAS = ("keras", "h5", "weights")
SUFFIXES = {"safetensors": ".safetensors", "html": ".html", "keras": ".keras", "h5": ".h5", "weights": ".hdf5"}


def sound_model() -> ModelFile:
    """Return the model that the files are made of."""
    vocabulary = Vocabulary(CHARACTERS, has_unknown=False)
    architecture = Architecture(vocabulary_size=vocabulary.size, embedding=3, hidden=(4,), context_length=8)
    random = np.random.default_rng(0)
    shapes = architecture.parameter_shapes().items()
    parameters = {name: random.normal(0, 1, shape).astype(np.float32) for name, shape in shapes}
    provenance = Provenance(corpus=("book.txt",), characters=100, plan={"steps": 3}, versions={"nextchar": "1"})
    return ModelFile(architecture, vocabulary, parameters, provenance)


def sound_files() -> dict[str, bytes]:
    """Return a sound file of each kind."""
    model = sound_model()
    half = model.to_bytes(half=True)
    files = {"safetensors": model.to_bytes(), "html": build_page({"name": "m", "history": None}, half).encode()}
    for kind, suffix in (("keras", ".keras"), ("h5", ".h5"), ("weights", ".weights.h5")):
        path = Path(f"m{suffix}")
        files[kind] = keras_model.write(model, path).files[path]
    return files


def signed(header: Any, arrays: tensor_file.Arrays) -> bytes:
    """Return a model file of ``header``, whatever it is, with a checksum that fits it."""
    digest = tensor_file._digest(header, arrays)
    entry = {**header, "sha256": digest} if isinstance(header, dict) else header
    return save(arrays, {"nextchar": json_bytes(entry).decode()})


def changed_model(content: bytes, random: Random) -> bytes:
    """Return a model file with its header, its index or its numbers changed, and the checksum made anew."""
    header, arrays = tensor_file.from_bytes(content)
    kind = random.choice(("header", "header", "index", "numbers", "type"))
    if kind == "index":
        length = int.from_bytes(content[:8], "little")
        index = json_bytes(mutated_json(json.loads(content[8 : 8 + length]), random))
        return len(index).to_bytes(8, "little") + index + content[8 + length :]
    if kind == "header":
        return signed(mutated_json(header, random), arrays)
    name = random.choice(sorted(arrays))
    if kind == "type":
        arrays[name] = arrays[name].astype(random.choice(("f2", "f8", "i4", "u1", "?")))
    else:
        flat = arrays[name].reshape(-1)
        flat[random.randrange(flat.size)] = random.choice((np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0))
    return signed(header, arrays)


def changed_page(_: bytes, random: Random) -> bytes:
    """Return a page with another model inside: one with its bytes, or its header, changed."""
    sound = sound_model().to_bytes(half=random.random() < 0.8)
    change = random.choice((changed_model, mutated_bytes))
    return build_page({"name": "m", "history": None}, change(sound, random)).encode()


def changed_archive(content: bytes, random: Random) -> bytes:
    """Return an archive of Keras, sound as a zip, with one of its entries changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(("config.json", "config.json", "config.json", "metadata.json", "model.weights.h5", "bomb"))
    if name == "bomb":
        entries[random.choice(sorted(entries))] = bytes(random.choice((10**6, 3 * 10**8)))
    elif name.endswith(".json"):
        entries[name] = json_bytes(changed_config(json.loads(entries[name]), random))
    else:
        entries[name] = random.choice((mutated_bytes, changed_arrays))(entries[name], random)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)
    return packed.getvalue()


def changed_config(config: Any, random: Random) -> Any:
    """Return a config with an entry changed, or with one of its sizes made huge."""
    if random.random() < 0.5 or "config" not in config:
        return mutated_json(config, random)
    options = random.choice(config["config"]["layers"])["config"]
    sizes = [key for key in options if key in {"units", "input_dim", "output_dim", "batch_shape"}]
    if sizes:
        key, large = random.choice(sizes), random.choice((0, -1, 100, 8192, 10**5, 10**9, 2**63, 10**30, 1.5, "9"))
        options[key] = [random.choice((None, 1, large)), large] if key == "batch_shape" else large
    return config


def changed_whole(content: bytes, random: Random) -> bytes:
    """Return an HDF5 file of a whole model with its config, or its arrays, changed."""
    if random.random() < 0.4:
        return changed_arrays(content, random)
    held = io.BytesIO(content)
    with h5py.File(held, "r+") as file:
        config = json_bytes(changed_config(json.loads(str(file.attrs["model_config"])), random))
        if len(config) < 60_000:  # what HDF5 has room for in an attribute
            file.attrs["model_config"] = config.decode()
    return held.getvalue()


def changed_arrays(content: bytes, random: Random) -> bytes:
    """Return an HDF5 file with one of its arrays replaced by a strange one."""
    held = io.BytesIO(content)
    with h5py.File(held, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, member: names.append(name) if isinstance(member, h5py.Dataset) else None)
        name = random.choice(names)
        replaced = file[name]
        assert isinstance(replaced, h5py.Dataset)
        shape = replaced.shape
        del file[name]
        replace_array(file, name, shape, random)
    return held.getvalue()


def replace_array(file: Any, name: str, shape: tuple[int, ...], random: Random) -> None:
    """Put a strange array of some ``shape`` at ``name``."""
    kind = random.choice(("shape", "fill", "zeros", "chunks", "type", "link", "external", "nan", "none", "twice"))
    if kind == "shape":
        file.create_dataset(name, (*shape[:-1], random.choice((0, 1, 7, 4096))), "f4")
    elif kind == "fill":
        file.create_dataset(name, (10**6, random.choice((1, 10**3, 10**6))), "f4", fillvalue=0.5)
    elif kind == "zeros":
        file.create_dataset(name, data=np.zeros((2000, 2000), np.float32), compression="gzip")
    elif kind == "chunks":
        file.create_dataset(name, shape, "f4", maxshape=[None] * len(shape), chunks=(2**26, *[1] * (len(shape) - 1)))
    elif kind == "type":
        file.create_dataset(name, shape, random.choice(("f2", "f8", "i1", "u8", "S7", "V2", h5py.string_dtype())))
    elif kind == "link":
        file[name] = random.choice((h5py.SoftLink("/"), h5py.SoftLink("/x"), h5py.ExternalLink("/dev/zero", "/")))
    elif kind == "external":
        file.create_dataset(name, shape, "f4", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])
    elif kind == "nan":
        file[name] = np.full(shape, random.choice((np.nan, np.inf, 1e300)))
    elif kind == "twice":
        file[name] = file["/"]


CHANGES: dict[str, Callable[[bytes, Random], bytes]] = {
    "safetensors": changed_model,
    "html": changed_page,
    "keras": changed_archive,
    "h5": changed_whole,
    "weights": changed_arrays,
}


def file_of(kind: str, sound: bytes, seed: str) -> bytes:
    """Return the changed file of that ``kind`` and ``seed``."""
    random = Random(f"{kind}:{seed}")
    return random.choice((mutated_bytes, CHANGES[kind]))(sound, random)


def outcome_of(kind: str, path: Path) -> str:
    """Load the model at ``path`` and return how that ended: ``loaded``, ``refused``, or what went wrong."""
    try:
        if kind in {"safetensors", "html"}:
            file = ModelFile.load(path)
        else:
            file = keras_model.read(path, ListedCharacters("c.json", tuple(CHARACTERS))).file
        repr(file)
        LanguageModel(file).generate("a", length=3, temperature=0, seed=0)
        file.to_bytes()
    except NextcharError as error:
        message = str(error)
        return (
            "refused"
            if message and "\n" not in message and len(message) < MAX_SENTENCE
            else f"no sentence: {message[:200]!r}"
        )
    except BaseException as error:  # noqa: BLE001 (whatever it is, it is what this program looks for)
        return f"{type(error).__name__}: {str(error)[:150]}"
    return "loaded"


def work(kind: str, sound: bytes, seeds: list[str], connection: Connection) -> None:
    """Load the file of each of ``seeds`` in a process of its own, and report the outcome."""
    if kind in OF_KERAS:
        with keras_loaded():
            keras_model.write(sound_model(), Path("m.keras"))  # whatever is loaded late is not counted
    logging.disable()
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (libraries' own complaints, until the process ends)
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    bound = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"m{SUFFIXES[kind]}")
        for seed in seeds:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            path.write_bytes(file_of(kind, sound, seed))
            resource.setrlimit(resource.RLIMIT_AS, (bound, resource.RLIM_INFINITY))
            connection.send(outcome_of(kind, path))


def outcomes(kind: str, sound: bytes, seeds: list[str]) -> list[str]:
    """Return the outcome for the file of each of ``seeds``; a new process replaces one that dies."""
    found: list[str] = []
    # What torch computes with does not survive a fork.
    context = multiprocessing.get_context("spawn") if kind in OF_KERAS else multiprocessing.get_context("fork")
    while len(found) < len(seeds):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(kind, sound, seeds[len(found) :], theirs))
        process.start()
        theirs.close()
        try:
            while len(found) < len(seeds):
                if not ours.poll(PATIENCE):
                    found.append(f"no end within {PATIENCE:.0f} s")
                    break
                found.append(ours.recv())
        except EOFError:
            process.join()
            found.append(f"the process died: exit code {process.exitcode}")
        process.kill()
        process.join()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for kind, count in COUNTS.items():
        parser.add_argument(f"--{kind}", type=int, default=count, metavar="N", help=f"files of that kind ({count})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="KIND:SEED:NUMBER", help="load this one file, and show what happens")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="with --only: also write the file here")
    options = parser.parse_args()
    sound = sound_files()
    if options.only:
        kind, _, seed = options.only.partition(":")
        return load_one(kind, seed, sound, options.keep)
    failures = [failure for kind in COUNTS for failure in check(kind, sound[kind], options)]
    for failure in failures[:50]:
        print(failure)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


def check(kind: str, sound: bytes, options: argparse.Namespace) -> list[str]:
    """Load all files of that ``kind``, print a line of the table, and return the failures."""
    seeds = [f"{options.seed}:{number}" for number in range(getattr(options, kind))]
    started = time.perf_counter()
    found = outcomes(kind, sound, seeds)
    seconds = time.perf_counter() - started
    counts = Counter(outcome if outcome in {"loaded", "refused"} else "failed" for outcome in found)
    shown = "  ".join(f"{name} {counts[name]:>7,}" for name in ("loaded", "refused", "failed"))
    print(f"{kind:<12} {len(seeds):>8,} files  {shown}  {1000 * seconds / max(1, len(seeds)):6.1f} ms each", flush=True)
    return [
        f"{kind}:{seed}  {outcome}"
        for seed, outcome in zip(seeds, found, strict=True)
        if outcome not in {"loaded", "refused"}
    ]


def load_one(kind: str, seed: str, sound: dict[str, bytes], keep: Path | None) -> int:
    """Load one file in this process and show all output."""
    content = file_of(kind, sound[kind], seed)
    if keep is not None:
        keep.write_bytes(content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"m{SUFFIXES[kind]}")
        path.write_bytes(content)
        outcome = outcome_of(kind, path)
        print(f"{len(content):,} bytes: {outcome}")
    return 0 if outcome in {"loaded", "refused"} else 1


if __name__ == "__main__":
    sys.exit(main())
