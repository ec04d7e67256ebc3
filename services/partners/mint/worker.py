"""The mint worker: takes each voucher one step further, and reports with commands; it changes no state itself.

The row is the job. A claim moves the next look into the future, so two workers or a crash do nothing twice at once;
whatever a crash leaves half done is done again with the same bytes. Before anything is sent that is noted, and from
then on the node is asked first: an unknown outcome is looked up, never guessed (K16).
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.failures import Code
from contracts.invoices import VoucherState
from contracts.vouchers import (
    OfVoucher,
    RecordSignature,
    RecordSubmission,
    RecordUnknown,
    VoidVoucher,
)
from services.chassis.patience import wait_out
from services.partners.mint.evidence import Reviewed, Wrong
from services.partners.mint.jobs import Job, Jobs
from services.partners.mint.last_gate import LastGate, Obstacle
from services.partners.mint.points import MintPoint
from services.partners.mint.signer import Signer
from services.partners.mint.swap import Accepted, NotKnown, NotSent, Refused, SwapNode, Unclear
from services.partners.mint.token import SignFailed, TokenUnavailable
from services.wire.crash import reach
from services.wire.envelope import Record
from services.wire.own_commands import OwnCommands

AT_ONCE = 4
"""Each holds a connection for its gate and needs a second one meanwhile: more would wait for each other for ever."""
IDLE_SECONDS = 1.0
LONGEST_PAUSE = timedelta(seconds=30)

log = structlog.get_logger()
Step = Callable[[Job], Awaitable[str | None]]
"""Reports what became of it and returns None, or says why it must be tried again."""


class Mint:
    def __init__(  # noqa: PLR0913, PLR0917 - what it works with, each of it real
        self,
        engine: AsyncEngine,
        signer: Signer,
        gate: LastGate,
        node: SwapNode,
        reviewed: Reviewed,
        commands: OwnCommands,
        lease: timedelta,
    ) -> None:
        self._jobs = Jobs(engine, lease)
        self._signer, self._gate, self._node = signer, gate, node
        self._reviewed, self._commands = reviewed, commands
        self._woken = asyncio.Event()
        self._steps: dict[VoucherState, Step] = {
            VoucherState.PREPARED: self._sign,
            VoucherState.SIGNED: self._submit,
            VoucherState.UNKNOWN: self._find_out,
            VoucherState.SUBMITTED: self._follow,
        }

    async def on_events(self, _: Sequence[Record]) -> None:
        """A voucher moved; how it stands is in the table."""
        self._woken.set()

    async def run(self) -> None:
        """Take what is due one step further, until cancelled; a database that is away is waited for."""
        while True:
            self._woken.clear()
            if not await wait_out(self.advance):
                await self._rest()

    async def advance(self) -> int:
        """One step for everything that is due; returns how many there were."""
        jobs = await self._jobs.claim(AT_ONCE)
        await asyncio.gather(*map(self._step, jobs))
        return len(jobs)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _step(self, job: Job) -> None:
        try:
            failure = await self._steps[job.state](job)
        except Exception as error:
            log.warning("mint.step_failed", voucher_id=str(job.id), state=job.state, error=repr(error))
            failure = type(error).__name__
        if failure:
            await wait_out(partial(self._jobs.postpone, job, failure, _pause(job.tries)))

    async def _sign(self, job: Job) -> str | None:
        wrong = await self._reviewed.differs(job.manifest)
        if isinstance(wrong, Wrong):
            return await self._void(job, Code.EVIDENCE_TAMPERED, wrong.why)
        if wrong:
            return wrong
        try:
            made = await self._signer.sign(job.document, _now())
        except TokenUnavailable as error:
            return f"the token is away: {error}"
        except SignFailed as error:
            return await self._void(job, Code.HSM_SIGN_FAILED, str(error))
        if isinstance(made, Obstacle):
            return await self._void(job, made.code, made.why)
        signature = base64.b64encode(made.raw).decode()
        return await self._report(RecordSignature(**job.names, signature=signature), "signed")

    async def _submit(self, job: Job) -> str | None:
        """Send the stored bytes, unless they may have been sent before: then the node is asked first."""
        return await (self._find_out(job) if job.attempted_at else self._send(job))

    async def _send(self, job: Job) -> str | None:
        async with self._gate.held(job.document, _now()) as obstacle:
            if obstacle is None:
                job = await self._jobs.attempted(job, _now())
                reach(MintPoint.BEFORE_NODE)
                verdict = await self._node.submit(job.payload, job.signature)
                reach(MintPoint.AFTER_NODE)
        if obstacle:
            return await self._stop(job, obstacle)
        match verdict:
            case Accepted():
                return await self._taken(job, verdict)
            case Refused():
                return await self._void(job, Code.SWAP_RPC_FAILED, f"the node refused: {verdict.code}")
            case Unclear() if job.state is VoucherState.SIGNED:
                return await self._report(RecordUnknown(**job.names, why=verdict.why[:200]), "unknown")
            case _:
                return f"not submitted: {verdict}"

    async def _stop(self, job: Job, obstacle: Obstacle) -> str | None:
        """Void it, unless an earlier try may still reach the node: then only once no node can take it any more."""
        if job.attempted_at and not job.is_dead(_now()):
            return f"held back, and waits for its expiry: {obstacle.why}"
        return await self._void(job, obstacle.code, obstacle.why)

    async def _find_out(self, job: Job) -> str | None:
        """Ask by nonce. Only a node that has never seen it is sent the same bytes, through the gate again."""
        match await self._node.look_up(job.document.nonce, sent=job.payload):
            case Accepted() as found:
                return await self._taken(job, found)
            case NotKnown():
                return await self._send(job)
            case Unclear() | NotSent() | Refused() as unclear:
                if job.state is VoucherState.SIGNED and isinstance(unclear, Unclear):
                    return await self._report(RecordUnknown(**job.names, why=unclear.why[:200]), "unknown")
                return f"outcome not known: {unclear}"
            case never:
                raise AssertionError(never)

    async def _follow(self, job: Job) -> str | None:
        """Wait for MINTED; survives restarts, since the row is the job."""
        verdict = await self._node.look_up(job.document.nonce, sent=job.payload)
        if isinstance(verdict, Accepted) and verdict.status != "ACCEPTED":
            return await self._taken(job, verdict)
        return f"not minted yet: {verdict}"

    async def _taken(self, job: Job, verdict: Accepted) -> str | None:
        sent_at = job.attempted_at or _now()
        report = RecordSubmission(**job.names, status=verdict.status, tx_hash=verdict.tx_hash, sent_at=sent_at)
        return await self._report(report, f"submission:{verdict.status}")

    async def _void(self, job: Job, code: Code, why: str) -> str | None:
        return await self._report(VoidVoucher(**job.names, code=code, why=why[:500]), f"void:{code}")

    async def _report(self, command: OfVoucher, what: str) -> str | None:
        reach(MintPoint.BEFORE_REPORT, (command.type,))
        await self._commands.send(command, f"{command.voucher_id}:{what}")
        reach(MintPoint.AFTER_REPORT, (command.type,))
        return None


def _now() -> datetime:
    return datetime.now(UTC)


def _pause(tries: int) -> timedelta:
    """0.2 s, doubling, at most half a minute."""
    return min(LONGEST_PAUSE, timedelta(seconds=0.1 * 2 ** min(tries, 12)))
