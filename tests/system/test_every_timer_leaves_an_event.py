"""A3, A4: whatever works by itself leaves an event when it acts, with its service as the actor; or it changes nothing.

The list of what there is comes from the code: a new task without a row here fails, and so does a row whose event or
test is not there.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from contracts.topics import EVENT_TOPICS
from tests.system.background import background_work

REPOSITORY = Path(__file__).parents[2]
_WRITES = re.compile(r"\b(?:INSERT INTO|DELETE FROM|UPDATE) (?!SET\b|SKIP\b)(\w+)")


class Tells(NamedTuple):
    """The events it leaves, and the test that sees them with their actor."""

    events: tuple[str, ...]
    test: str


class Changes(NamedTuple):
    """It decides nothing: the only tables that its file writes are for the machinery itself."""

    file: str
    tables: tuple[str, ...] = ()


SMS = Tells(("notification.settled",), "staffing/test_sms.py::test_what_became_of_a_message_is_told_once")
PAGES = Tells(("page.sent",), "partners/review/test_courier.py::test_a_page_that_was_sent_is_told_once")
LEAVERS = Tells(
    ("partner.contact.deactivated",),
    "partners/test_deactivation.py::test_who_left_is_deactivated_and_the_log_says_so",
)
MINT = Tells(
    ("voucher.signed", "invoice.submitted", "invoice.minted"),
    "mint/test_gates.py::test_an_approved_invoice_is_signed_submitted_and_minted",
)
REFUSALS = Tells(
    ("gateway.refusals_dropped",), "gateway/test_refusals.py::test_paths_that_do_not_exist_are_only_counted"
)

PRUNING = Changes("upkeep/pruning.py", ("inbox", "replies"))

WORK: dict[str, Tells | Changes] = {
    "partners: ExpiryTimer.run": Tells(
        ("invoice.expired",),
        "partners/invoices/test_expiry.py::test_the_service_expires_what_is_overdue_and_tells_it_once",
    ),
    "partners: AllowlistWatch.run": Tells(
        ("root_admins.changed",),
        "partners/test_allowlist_watch.py::test_an_edit_of_the_file_becomes_an_event_with_who_came_and_who_went",
    ),
    "partners.identity: Deactivator.run": LEAVERS,
    "partners.review: Sweeper.run": Tells(
        ("partner.review_warned", "partner.review_breached"),
        "partners/review/test_sweeper.py::test_two_sweepers_killed_at_random_say_everything_once",
    ),
    "partners.review: Courier.run": PAGES,
    "partners.mint: mint.run": MINT,
    "partners.mint: mint.on_events": MINT,
    "partners.mint: heartbeat.run": Changes("partners/mint/signers.py", ("signers",)),
    "staffing: sender.run": SMS,
    "staffing: sender.on_events": SMS,
    "outgoing: self.do": Changes("outgoing/errands.py"),
    "staffing: Sweep.run": Tells(
        ("credentials.swept",), "staffing/test_sweep.py::test_what_was_swept_is_told_with_its_number"
    ),
    "gateway: refusals.run": REFUSALS,
    "gateway: keys.run": Changes("gateway/auth.py"),
    "gateway: self._receive": Changes("gateway/dispatch.py"),
    "audit: paced": Changes("audit/log.py", ("checkpoints",)),  # it is the log: an event of an event has no end
    "audit: publisher.run": Changes("audit/checkpoints.py"),
    "audit: witnessing.run": Changes("audit/witnessing.py"),
    "audit: GapWatch.run": Changes("audit/completeness.py", ("gap_watch",)),
    "audit: lambda: retention.run": Tells(
        ("audit.purged",),
        "audit/retention/test_by_itself.py::test_the_service_says_what_it_will_forget_and_then_forgets_it",
    ),
    "exports: ExportWorker.run": Tells(
        ("audit.export_finished",), "exports/test_jobs.py::test_two_instances_make_a_file_once"
    ),
    "exports: ExportExpiry.run": Tells(
        ("audit.export_expired",), "exports/test_jobs.py::test_a_file_whose_time_is_over_leaves_the_bucket_once"
    ),
    "exports: Schedule.run": Tells(
        ("audit.export_requested",),
        "exports/test_schedule.py::test_two_timers_restarts_and_a_kill_make_one_export_of_a_slot",
    ),
    "partners: Pruning.run": PRUNING,
    "staffing: Pruning.run": PRUNING,
    "audit: Pruning.run": PRUNING,
    "staffing: old.run": Changes("staffing/old_records.py", ("notifications", "staff_bulk_rows")),
    "audit: in_processes": Changes("audit/ranges.py"),
    "chassis: self.relay.run": Changes("chassis/outbox.py", ("outbox",)),
    "chassis: work": Changes("chassis/service.py"),
    "chassis: self._end": Changes("chassis/messaging.py"),
}
TELLING = {name: row for name, row in WORK.items() if isinstance(row, Tells)}
SILENT = {name: row for name, row in WORK.items() if isinstance(row, Changes)}


def test_everything_that_works_by_itself_has_its_row() -> None:
    assert background_work() == set(WORK)


@pytest.mark.parametrize("work", TELLING)
def test_it_leaves_events_and_a_test_sees_them_with_their_actor(work: str) -> None:
    row = TELLING[work]
    file, _, name = row.test.partition("::")
    source = (REPOSITORY / "tests" / file).read_text(encoding="utf-8")
    found = re.search(rf"^(?:async )?def {name}\(.*?(?=^(?:async |def |class |@)|\Z)", source, re.MULTILINE | re.DOTALL)

    assert set(row.events) <= set(EVENT_TOPICS)
    assert found, row.test
    assert not [event for event in row.events if event not in source], f"{row.test} does not look at {row.events}"
    assert '"system"' in found[0], f"{row.test} does not look at the actor"


@pytest.mark.parametrize("work", SILENT)
def test_what_leaves_none_changes_nothing_but_its_own_machinery(work: str) -> None:
    source = (REPOSITORY / "services" / SILENT[work].file).read_text(encoding="utf-8")

    assert set(_WRITES.findall(source)) == set(SILENT[work].tables)


def test_control_a_task_that_nobody_listed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "partners").mkdir()
    (tmp_path / "partners" / "app.py").write_text("service.background.append(Reaper(service.engine).run)\n")
    monkeypatch.setattr("tests.system.background.ROOT", tmp_path)

    assert background_work() == {"partners: Reaper.run"}
