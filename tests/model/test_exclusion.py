"""The tree of what is excluded: shares by hand."""

from __future__ import annotations

import pytest

from nextchar.model.exclusion import WORTH, ExclusionTree

END, A, B = 0, 1, 2


def test_shares_add_up_to_the_root() -> None:
    tree = ExclusionTree()
    assert tree.excluded == 0
    tree.exclude([A, END], [0.5, 0.4], [0.0, 0.0])
    assert tree.excluded == pytest.approx(0.2)
    tree.exclude([B, END], [0.3, 0.1], [0.0, 0.0])
    assert tree.excluded == pytest.approx(0.23)
    assert tree.root is not None
    ids, kept = tree.root.kept
    assert dict(zip(ids, kept, strict=True)) == pytest.approx({A: 0.6, B: 0.9})


def test_a_dead_end_excludes_what_is_not_allowed_there() -> None:
    tree = ExclusionTree()
    tree.exclude([A], [0.5], [0.0, 0.25])
    assert tree.excluded == pytest.approx(0.5 * 0.25)
    tree.exclude([], [], [0.1])
    assert tree.excluded == pytest.approx(0.1 + 0.5 * 0.25)
    # The dead ends of a prefix count once, whatever is excluded after it.
    tree.exclude([A, END], [0.5, 0.75], [0.1, 0.25])
    assert tree.excluded == pytest.approx(0.1 + 0.5)


def test_the_same_entry_counts_once() -> None:
    tree = ExclusionTree()
    for _ in range(3):
        tree.exclude([A, END], [0.5, 1.0], [0.0, 0.0])
    assert tree.excluded == pytest.approx(0.5)
    for _ in range(2):
        tree.exclude([B, END], [0.5, 1.0], [0.0, 0.0])
    assert tree.excluded == 1


def test_what_is_rare_is_left_out_until_little_else_is_left() -> None:
    tree, rare = ExclusionTree(), WORTH / 2
    tree.exclude([B, END], [rare, 1.0], [0.0, 0.0])
    assert tree.root is None
    tree.exclude([A, END], [0.9, 1.0], [0.0, 0.0])
    tree.exclude([B, END], [rare, 1.0], [0.0, 0.0])
    assert tree.excluded == pytest.approx(0.9 + rare)


def test_a_full_tree_takes_nothing_more() -> None:
    tree = ExclusionTree(max_prefixes=3)
    tree.exclude([A, END], [0.5, 1.0], [0.0, 0.0])
    tree.exclude([B, END], [0.5, 1.0], [0.0, 0.0])
    assert tree.excluded == pytest.approx(0.5)
