"""Promise 5: the matrix as one comparison, cell by cell on the broker, and what happens to a cell that should not be.

`test_topic_rights.py` says of each principal what it may do; here an operator gives a right by hand, the comparison
names that cell, and `deploy.kafka.apply` takes it away again.
"""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from contracts.topics import BY_NAME, PRINCIPALS, TOPICS
from deploy.local import broker
from deploy.local.recipes import apply_topics
from deploy.local.stack import Stack
from tests.chassis.test_topic_rights import REFUSED, connected, tried_reads, tried_writes
from tests.support import eventually


class Cell(NamedTuple):
    principal: str
    right: str
    topic: str


ALLOWED = {Cell(principal, "WRITE", topic.name) for topic in TOPICS for principal in topic.writers} | {
    Cell(principal, "READ", topic.name) for topic in TOPICS for principal in topic.readers
}
BY_HAND = Cell("partners", "WRITE", "staffing.commands")


async def open_cells(stack: Stack) -> set[Cell]:
    """Each cell of principal × topic × right that the broker does not refuse; all principals at once."""

    async def of(principal: str) -> set[Cell]:
        async with connected(stack, principal) as client:
            tried = {"WRITE": await tried_writes(client), "READ": await tried_reads(client)}
        assert all(codes.keys() == BY_NAME.keys() for codes in tried.values())
        return {
            Cell(principal, right, topic)
            for right, codes in tried.items()
            for topic, code in codes.items()
            if code != REFUSED
        }

    return set[Cell]().union(*await asyncio.gather(*map(of, PRINCIPALS)))


def grant(stack: Stack, cell: Cell) -> None:
    literal, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    principal, operation = f"User:{cell.principal}", AclOperation[cell.right]
    binding = AclBinding(ResourceType.TOPIC, cell.topic, literal, principal, "*", operation, allow)
    admin = broker.admin(stack.state)
    for future in admin.create_acls([binding]).values():
        future.result(10)


@pytest.fixture
def mended(stack: Stack) -> Iterator[None]:
    """Whatever a test did to the rights is undone."""
    yield
    apply_topics(stack.state)


async def test_every_cell_of_the_matrix_is_open_or_shut_as_the_table_says(stack: Stack) -> None:
    assert await open_cells(stack) ^ ALLOWED == set()


@pytest.mark.usefixtures("mended")
async def test_control_a_right_given_by_hand_is_noticed_and_taken_away_by_the_next_apply(stack: Stack) -> None:
    async def found() -> set[Cell]:
        return await open_cells(stack) ^ ALLOWED

    async def is_noticed() -> bool:
        return await found() == {BY_HAND}

    async def is_gone() -> bool:
        return await found() == set()

    await asyncio.to_thread(grant, stack, BY_HAND)
    await eventually(is_noticed, "the wrong cell is named", seconds=10)
    await asyncio.to_thread(apply_topics, stack.state)

    await eventually(is_gone, "it is shut again", seconds=10)
