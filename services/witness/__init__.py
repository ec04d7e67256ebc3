"""Witness: somebody else's memory of the audit log, so that a rebuilt log is found even if its key was stolen.

Owns one directory: the newest checkpoint that it co-signed, and evidence of what it refused. Knows the log's public key
and nothing of its services, databases or topics; runs wherever somebody else can run it. Speaks C2SP `tlog-witness`:
the log brings each checkpoint with a proof that it contains the one before, and gets a cosignature or an alarm.
"""
