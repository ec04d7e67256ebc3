"""What owners of personal data share beside the chassis: people's keys, opening what they seal, erasing what is kept.

Every owner has a table `person_keys`, and hands these functions its transaction; stored answers and dead letters are
the chassis' tables in the owner's schema. Knows no service.
"""
