"""Train a small character-level language model on your own text in a minute, and write with it.

    import nextchar

    model = nextchar.train("mybook.txt", time="60s")
    print(model.generate("Once upon", temperature=0.5, length=400))
    model.save("mybook.safetensors")
    model = nextchar.load("mybook.safetensors")

Nothing heavy is loaded before it is used: torch only by `train`.
"""

TYPE_CHECKING = False  # type checkers know better; `typing` would take a while, in which a Ctrl-C is a traceback
if TYPE_CHECKING:
    from nextchar.api import load as load
    from nextchar.api import train as train
    from nextchar.errors import NextcharError as NextcharError
    from nextchar.model.authorship import Authors as Authors
    from nextchar.model.authorship import who as who
    from nextchar.model.evaluation import Evaluation as Evaluation
    from nextchar.model.language_model import LanguageModel as LanguageModel
    from nextchar.model.sampling import reweight_distribution as reweight_distribution
    from nextchar.model.sampling import sample_index as sample_index
    from nextchar.model.session import Session as Session
    from nextchar.training import events as events

    __version__: str

_HOME = {
    "train": "nextchar.api",
    "load": "nextchar.api",
    "LanguageModel": "nextchar.model.language_model",
    "Session": "nextchar.model.session",
    "Evaluation": "nextchar.model.evaluation",
    "NextcharError": "nextchar.errors",
    "Authors": "nextchar.model.authorship",
    "who": "nextchar.model.authorship",
    "reweight_distribution": "nextchar.model.sampling",
    "sample_index": "nextchar.model.sampling",
}

__all__ = [
    "Authors",
    "Evaluation",
    "LanguageModel",
    "NextcharError",
    "Session",
    "__version__",
    "events",
    "load",
    "reweight_distribution",
    "sample_index",
    "train",
    "who",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("nextchar")
    from importlib import import_module

    if name == "events":
        return import_module("nextchar.training.events")
    if name not in _HOME:
        raise AttributeError(f"module 'nextchar' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
