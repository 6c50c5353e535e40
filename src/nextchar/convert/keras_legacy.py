"""Make models of Keras 2 readable for Keras 3.

Keras 3 reads the ``batch_input_shape`` of a first layer as the shape without the batch, does not know ``time_major``,
and expects the layers of a Sequential in an object with a name. The changes do not affect what the model computes.
"""

# h5py has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import copy
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from nextchar.convert.keras_bounds import is_archive, open_archive
from nextchar.convert.keras_library import load_h5py

Config = dict[str, Any]


def saved_config(path: Path) -> tuple[Config, str | None]:
    """Return the config of the model in a ``.keras`` or ``.h5`` file, and the version of Keras that wrote it.

    Raises:
        Exception: of any kind, if it is not such a file.
    """
    if is_archive(path):
        with open_archive(path) as archive:
            config, metadata = (json.loads(archive.read(name)) for name in ("config.json", "metadata.json"))
            return config, _text(metadata.get("keras_version"))
    with load_h5py().File(path) as file:
        return json.loads(file.attrs["model_config"]), _text(file.attrs.get("keras_version"))


def _text(version: object) -> str | None:
    """Return ``version`` as text, or None if the file has something else."""
    if isinstance(version, bytes):
        return version.decode("utf-8", "replace")
    return version if isinstance(version, str) else None


def readable_by_keras_3(path: Path, config: Config, folder: Path) -> Path:
    """Return the path of the model for Keras 3: ``path`` itself, or a converted copy in ``folder``.

    Keras 3 recognises the format by the suffix, so a file with another suffix is copied too.
    """
    converted = _converted(config)
    suffix = ".keras" if is_archive(path) else ".h5"
    if converted == config and path.suffix == suffix:
        return path
    copied = folder / f"model{suffix}"
    if suffix == ".keras":
        with open_archive(path) as old, zipfile.ZipFile(copied, "w") as new:
            for name in old.namelist():
                new.writestr(name, json.dumps(converted) if name == "config.json" else old.read(name))
        return copied
    shutil.copyfile(path, copied)
    with load_h5py().File(copied, "r+") as file:
        file.attrs["model_config"] = json.dumps(converted)
    return copied


def _converted(config: Config) -> Config:
    converted = copy.deepcopy(config)
    inner = converted["config"]
    layers = inner if isinstance(inner, list) else inner["layers"]  # a list before Keras 2.2.3
    shape: Any = None
    for layer in layers:
        if layer["class_name"] == "InputLayer":
            continue
        for options in (layer["config"], layer["config"].get("layer", {}).get("config", {})):
            shape = shape or options.get("batch_input_shape")
            options.pop("batch_input_shape", None)
            if options.get("time_major") is False:
                del options["time_major"]
    if shape is not None and layers[0]["class_name"] != "InputLayer":
        own = {key: None if key == "registered_name" else layers[0][key] for key in layers[0].keys() - _OWN_KEYS}
        layers.insert(0, {**own, "class_name": "InputLayer", "config": {"batch_shape": shape, "name": "input"}})
    if isinstance(converted["config"], list):
        converted["config"] = {"name": "sequential", "layers": layers}
    return converted


_OWN_KEYS = {"class_name", "config", "build_config", "name", "inbound_nodes"}
"""Keys of a layer's entry that are about this layer; the others depend on the version of Keras."""
