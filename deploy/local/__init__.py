"""The local stack: the engines production runs, as ordinary child processes of one supervisor.

Everything lives in one home directory: `etc/` (secrets, settings, mode 0600), `data/` (one directory a part), `logs/`,
`run/` (sockets). `stack.py` is the front door: `Stack(home).up()`. An anonymous request to any open port reads and
writes nothing. Development only: it makes its own secrets and refuses to run when GATEHOUSE_ENV=production.
"""
