"""Ports are loopback, free, remembered, outside the range the kernel hands out itself, and nobody else's."""

import os
import socket
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from deploy.local import neighbours, ports
from deploy.local.home import Home
from deploy.local.stack import Stack
from deploy.local.state import State

STACKS = 24
"""Chosen without regard to one another, so many would share a port in all but one of 10,000,000 tries."""


def test_every_part_gets_a_port_of_its_own_below_the_ephemeral_range() -> None:
    chosen = ports.choose({})

    assert set(chosen) == set(ports.NAMES)
    assert len(set(chosen.values())) == len(chosen)
    assert max(chosen.values()) < 32_768


def test_a_remembered_port_that_is_still_free_is_kept() -> None:
    first = ports.choose({})

    assert ports.choose(first) == first


def test_a_remembered_port_that_somebody_else_took_is_replaced_and_the_others_are_kept() -> None:
    first = ports.choose({})
    with socket.create_server((ports.LOOPBACK, first["gateway"])):
        second = ports.choose(first)

    assert second["gateway"] != first["gateway"]
    assert {name for name in first if first[name] != second[name]} == {"gateway"}


def test_the_admin_port_of_seaweedfs_is_replaced_when_its_pair_is_taken() -> None:
    first = ports.choose({})
    with socket.create_server((ports.LOOPBACK, first["weed_admin"] + ports.PAIR_DISTANCE)):
        second = ports.choose(first)

    assert second["weed_admin"] != first["weed_admin"]


def chosen_by(root: Path) -> list[int]:
    """The ports of a new stack, as `Stack.up` chooses them; binds none of them."""
    home = Home(root)
    home.prepare()
    with neighbours.choosing(home) as taken:
        State.load(home).completed(taken).save(home)
    return list(State.load(home).ports.values())


def test_stacks_that_start_at_once_in_several_processes_share_no_port(tmp_path: Path) -> None:
    homes = [tmp_path / f"stack-{number}" for number in range(STACKS)]
    with ProcessPoolExecutor(4, get_context("fork")) as pool:
        chosen = list(pool.map(chosen_by, homes))

    assert [port for port, count in Counter(port for one in chosen for port in one).items() if count > 1] == []


def test_choices_that_know_nothing_of_one_another_do_share_ports() -> None:
    chosen = [ports.choose({}) for _ in range(STACKS)]

    assert max(Counter(port for one in chosen for port in one.values()).values()) > 1


def test_a_running_stack_keeps_the_ports_that_it_has_not_bound(stack: Stack, tmp_path: Path) -> None:
    unbound = stack.state.ports["gateway"]
    with neighbours.choosing(Home(tmp_path)) as taken:
        chosen = State({"gateway": unbound}, {}).completed(taken)

    assert ports.is_free(unbound), "only engines run"
    assert chosen.ports["gateway"] != unbound


def test_what_a_stack_chose_is_free_again_when_its_starter_died_before_there_was_a_supervisor(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        starter, left = pool.submit(os.getpid).result(), pool.submit(chosen_by, tmp_path / "dead").result()
        with neighbours.choosing(Home(tmp_path / "meanwhile")) as meanwhile:
            pass
    with neighbours.choosing(Home(tmp_path / "later")) as later:
        pass

    assert set(left) <= meanwhile
    assert not set(left) & later, f"{starter} is gone"
