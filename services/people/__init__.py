"""What partners and staffing share about people: their keys, opening what was sealed for them, and their erasure.

Beside the chassis and not in it: only services that know people need it.
"""
