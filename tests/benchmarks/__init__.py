"""`python -m tests.benchmarks`: Gatehouse against a plain monolith, in one run on one PostgreSQL and one S3.

`runner.py` interleaves the systems round by round; `partners.py` and `staff.py` prepare the requests and count the
rows that are there afterwards; `growth.py` measures the staff call again among a hundred times the tenants and staff;
`client.py` and `load.py` are the load generator, in a process of its own; `monolith/` is what Gatehouse is measured
against. Writes `build/bench.json`.
"""
