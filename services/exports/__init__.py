"""Exports: a service's datasets as files that prove what they hold. A library like the chassis; it knows no service.

Owns three tables in each service's schema (`tables.py`): asked-for exports, rows on their way out, parts that the
bucket has. A service names its `Dataset`s, puts `handlers.py` and `book.py` into its desk and lets `wiring.py` run the
worker and the timers; messages are those of `contracts.export_messages`. A child process (`make.py`) takes the rows at
one moment, writes the file, uploads it and signs a manifest. Killed anywhere and run again, it gives the same bytes.
Who is given a link to a file (`links.py`) is an event before it is an answer.
"""
