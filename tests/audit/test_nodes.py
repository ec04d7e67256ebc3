"""A8: the subtree roots that are kept, and that a proof can be made of them and a few leaves."""

import random
from functools import cache
from itertools import pairwise

import pytest

from services.audit.merkle import CompactRange, inclusion_proof, leaf_hash, root_of, verify_inclusion
from services.audit.nodes import LEVELS, SPAN, Node, Place, Subtrees, extend, pieces, root_over, siblings

LEAVES = [leaf_hash(n.to_bytes(3)) for n in range(70_000)]
A_MILLION = 1_000_000


@cache
def nodes() -> tuple[Node, ...]:
    return tuple(Subtrees().extend(LEAVES))


def hash_at(place: Place) -> bytes:
    level, index = place
    return LEAVES[index] if level == 0 else next(node.hash for node in nodes() if node.place == place)


def test_a_node_is_the_root_of_its_leaves() -> None:
    assert [node.place for node in nodes() if node.level == 16] == [(16, 0)]
    assert [node.index for node in nodes() if node.level == 8] == list(range(len(LEAVES) // SPAN))
    for node in nodes():
        assert node.hash == root_of(LEAVES[node.index << node.level : (node.index + 1) << node.level])


@pytest.mark.parametrize("largest", [1, 7, 255, 256, 257, 700])
def test_the_same_nodes_are_kept_however_the_log_grows(largest: int) -> None:
    chance = random.Random(largest)  # noqa: S311
    leaves = LEAVES[: 66_000 if largest > 7 else 1_100]
    cuts = [0]
    while cuts[-1] < len(leaves):
        cuts.append(min(cuts[-1] + chance.randint(1, largest), len(leaves)))
    tree, kept, checked, subtrees = CompactRange(), list[Node](), list[Node](), Subtrees()

    for start, end in pairwise(cuts):
        kept += extend(tree, leaves[start:end])
        checked += subtrees.extend(leaves[start:end])

    expected = [node for node in nodes() if (node.index + 1) << node.level <= len(leaves)]
    assert kept == checked == expected
    assert tree.root() == root_of(leaves)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 1_000, 65_535, 65_536, 65_537, 69_999])
def test_a_path_made_of_nodes_leads_to_the_root(size: int) -> None:
    chance = random.Random(size)  # noqa: S311
    known, root = {node.place: node.hash for node in nodes()}, root_of(LEAVES[:size])

    def subtree(start: int, end: int) -> bytes:
        return root_over((place[0], known[place] if place[0] else LEAVES[place[1]]) for place in pieces(start, end))

    for position in {0, size // 2, size - 1, *(chance.randrange(size) for _ in range(20))}:
        path = inclusion_proof(subtree, position, size)

        assert verify_inclusion(LEAVES[position], position, size, path, root)


@pytest.mark.parametrize("size", [A_MILLION - 1, A_MILLION, 2**20 - 1, 2**24 - 1])
def test_a_proof_reads_at_most_255_hashes_of_each_level_on_either_side(size: int) -> None:
    chance = random.Random(size)  # noqa: S311
    most = 0
    for position in {0, size - 1, *(chance.randrange(size) for _ in range(200))}:
        ranges = siblings(position, size)
        places = [place for span in ranges for place in pieces(*span)]
        for level in (0, *LEVELS):
            assert sum(at == level for at, _ in places) <= 2 * (SPAN - 1)
        most = max(most, len(places))
        assert 32 * len(ranges) <= 1024

    assert most <= 6 * (SPAN - 1)


def test_pieces_cover_a_range_once_and_in_order() -> None:
    covered = [(index << level, (index + 1) << level) for level, index in pieces(65_536, 65_536 + 1_000)]

    assert covered[0][0] == 65_536
    assert covered[-1][1] == 65_536 + 1_000
    assert all(left[1] == right[0] for left, right in pairwise(covered))
    assert len(covered) == 1_000 // SPAN + 1_000 % SPAN
