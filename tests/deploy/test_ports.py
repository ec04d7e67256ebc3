"""Ports are loopback, free, remembered, and outside the range the kernel hands out itself."""

import socket

from deploy.local import ports


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
