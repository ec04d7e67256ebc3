"""Audit: every event of every service, in one log that proves itself.

Owns the schema `audit`. Reads every event topic of `contracts.topics`; accepts the queries of `contracts.audit` on
`audit.queries`, and on `audit.commands` those about exports, the only ones; emits `audit.read` for each reading,
`audit.export_*` and `audit.refused`, and signed checkpoints to the compacted topic `audit.checkpoints`
and to a bucket under Object Lock.
The way of an event: `log.py` (sequencer) → `events` → `checkpoints.py` (publisher); `verify.py` checks all of it with
the public key alone.
"""
