"""A5, A8: the tree is that of RFC 6962, and a proof is worth something because a wrong one fails."""

from collections.abc import Callable
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from services.audit.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    tree_over,
    verify_consistency,
    verify_inclusion,
)

# The eight inputs of the Certificate Transparency reference tests, and the root after each (size 0 first).
INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
LEAVES = tuple(leaf_hash(bytes.fromhex(data)) for data in INPUTS)

logs = st.lists(st.binary(max_size=40).map(leaf_hash), min_size=1, max_size=70)


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 §2.1 writes it."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


def flipped(data: bytes, bit: int) -> bytes:
    at, mask = bit // 8 % len(data), 1 << bit % 8
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def test_roots_are_those_of_the_certificate_transparency_reference_tests() -> None:  # A5
    roots = [root_of(LEAVES[:size]).hex() for size in range(len(LEAVES) + 1)]

    assert tuple(roots) == ROOTS


def test_published_proofs_are_produced_and_accepted() -> None:  # A8, vectors of the same reference tests
    tree = tree_over(LEAVES)

    inclusion = [node.hex() for node in inclusion_proof(tree, 5, 8)]
    consistency = [node.hex() for node in consistency_proof(tree, 6, 8)]

    assert inclusion == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert consistency == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def naive_path(position: int, start: int, end: int, root: Callable[[int, int], bytes]) -> list[bytes]:
    """PATH(m, D[n]) as RFC 9162 §2.1.3.1 writes it."""
    if end - start == 1:
        return []
    split = start + 1
    while 2 * (split - start) < end - start:
        split = start + 2 * (split - start)
    if position < split:
        return [*naive_path(position, start, split, root), root(split, end)]
    return [*naive_path(position, split, end, root), root(start, split)]


def test_every_leaf_of_every_tree_of_up_to_300_leaves_has_the_path_of_the_recursive_definition() -> None:  # A8
    leaves = [leaf_hash(bytes([n % 256, n // 256])) for n in range(300)]
    root = cache(lambda start, end: naive_root(leaves[start:end]))

    for size in range(1, len(leaves) + 1):
        for position in range(size):
            path = inclusion_proof(root, position, size)

            assert path == naive_path(position, 0, size, root)
            assert verify_inclusion(leaves[position], position, size, path, root(0, size))
            assert not verify_inclusion(leaves[position - 1], position, size, path, root(0, size)) or size == 1


@given(logs, st.integers(0, 70))
def test_the_compact_range_leads_to_the_naive_root_wherever_it_is_interrupted(leaves: list[bytes], cut: int) -> None:
    first = CompactRange()
    first.extend(leaves[:cut])

    resumed = CompactRange(first.size, list(first.peaks))
    resumed.extend(leaves[cut:])

    assert resumed.root() == naive_root(leaves)
    assert first.root() == naive_root(leaves[:cut])


@given(logs, st.data())
def test_an_inclusion_proof_holds_and_fails_with_any_bit_flipped(leaves: list[bytes], data: st.DataObject) -> None:
    index, bit = data.draw(st.integers(0, len(leaves) - 1)), data.draw(st.integers(0, 255))
    size, root, leaf = len(leaves), root_of(leaves), leaves[index]

    proof = inclusion_proof(tree_over(leaves), index, size)

    assert verify_inclusion(leaf, index, size, proof, root)
    assert not verify_inclusion(flipped(leaf, bit), index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, proof, flipped(root, bit))
    assert not verify_inclusion(leaf, index, size, [*proof, leaf], root)
    assert not verify_inclusion(leaf, index + size, size, proof, root)
    for at in range(len(proof)):
        assert not verify_inclusion(leaf, index, size, [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]], root)
        assert not verify_inclusion(leaf, index, size, proof[:at], root)


@given(logs, st.data())
def test_a_consistency_proof_holds_and_fails_with_any_bit_flipped(leaves: list[bytes], data: st.DataObject) -> None:
    first, bit = data.draw(st.integers(1, len(leaves))), data.draw(st.integers(0, 255))
    second, old, new = len(leaves), root_of(leaves[:first]), root_of(leaves)

    proof = consistency_proof(tree_over(leaves), first, second)

    assert verify_consistency(first, second, proof, old, new)
    assert not verify_consistency(first, second, proof, flipped(old, bit), new)
    assert not verify_consistency(first, second, proof, old, flipped(new, bit))
    assert not verify_consistency(first, second, [*proof, old], old, new)
    for at in range(len(proof)):
        bent = [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]]
        assert not verify_consistency(first, second, bent, old, new)
