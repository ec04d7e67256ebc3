"""Gateway: translates HTTP into commands and queries, and replies into HTTP. No database, no state.

Accepts HTTP; sends on the command and query topics of every owner, its actor assertions signed; reads its own
partition of `gateway.replies`. Any number of instances may run.
"""
