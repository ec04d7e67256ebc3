"""The Merkle tree of RFC 6962 §2.1 and the proofs of RFC 9162 §2.1.3 and §2.1.4. Pure: bytes in, bytes out.

Invariant: a leaf is SHA-256(0x00 || bytes), a node SHA-256(0x01 || left || right), so no leaf can pass for a node. A
compact range, the roots of the perfect subtrees from left to right, is all a log needs to keep to go on growing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Tree = Callable[[int, int], bytes]
"""The hash of the leaves from..to-1, MTH(D[from:to]); where it comes from (a list, a table) is the caller's affair."""


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class CompactRange:
    """The first `size` leaves: `peaks[i]` is the root of the subtree of the i-th highest bit set in `size`."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        fits = self.size >= 0 and len(self.peaks) == self.size.bit_count()
        if not fits or any(len(peak) != HASH_BYTES for peak in self.peaks):
            raise ValueError(f"{len(self.peaks)} hashes are not the compact range of {self.size} leaves")

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaf hashes; each costs one node hash on average. Inlined: this is the loop of log and verifier."""
        size, peaks, sha = self.size, self.peaks, sha256
        for node in leaves:
            carry = size
            while carry & 1:
                node = sha(b"\x01" + peaks.pop() + node).digest()  # noqa: PLW2901
                carry >>= 1
            peaks.append(node)
            size += 1
        self.size = size

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY_ROOT
        *rest, root = self.peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over a sequence of leaf hashes."""
    tree = CompactRange()
    tree.extend(leaves)
    return tree.root()


def tree_over(leaves: Sequence[bytes]) -> Tree:
    """A tree whose leaf hashes are all in memory."""
    return lambda start, end: root_of(leaves[start:end])


def inclusion_proof(tree: Tree, index: int, size: int) -> list[bytes]:
    """PATH(index, D[size]), from the leaf upwards (RFC 9162 §2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(tree(middle, end))
            end = middle
        else:
            path.append(tree(start, middle))
            start = middle
    return path[::-1]


def consistency_proof(tree: Tree, first: int, second: int) -> list[bytes]:
    """PROOF(first, D[second]): that the first `first` leaves are a prefix (RFC 9162 §2.1.4.1)."""
    if not 0 < first <= second:
        raise ValueError(f"no proof leads from {first} to {second} leaves")
    path, start, end, shared = [], 0, second, True
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(tree(middle, end))
            end = middle
        else:
            path.append(tree(start, middle))
            start, shared = middle, False
    return ([] if shared else [tree(start, end)]) + path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 §2.1.3.2."""
    if not 0 <= index < size:
        return False
    node, last, here = leaf, size - 1, index
    for sibling in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            node = node_hash(sibling, node)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """RFC 9162 §2.1.4.2."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    here, last = first - 1, second - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)
