"""What several tests need: waiting for a condition, service processes, tokens, raw signed records, applicants.

Nothing here replaces a part of ours: messages go in through real topics or real HTTP, and state is read from real
tables. `eventually` is the only way to wait; nobody sleeps for a fixed time.
"""

from tests.support.applicants import Applicant, Application
from tests.support.bus import Answer, Bus
from tests.support.people import partner_admin, person, root_admin, system, token
from tests.support.process import Crash, ServiceProcess
from tests.support.records import RawRecord, command_record, signed_record
from tests.support.tables import Tables
from tests.support.tape import Tape
from tests.support.together import together
from tests.support.waiting import eventually, eventually_true

__all__ = [
    "Answer",
    "Applicant",
    "Application",
    "Bus",
    "Crash",
    "RawRecord",
    "ServiceProcess",
    "Tables",
    "Tape",
    "command_record",
    "eventually",
    "eventually_true",
    "partner_admin",
    "person",
    "root_admin",
    "signed_record",
    "system",
    "together",
    "token",
]
