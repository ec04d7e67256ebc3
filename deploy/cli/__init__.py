"""The `gatehouse` command: one file a group of subcommands, `app.py` puts them together.

`options.py` holds what they share: the home directory, `--json`, and how a failure is told.
"""
