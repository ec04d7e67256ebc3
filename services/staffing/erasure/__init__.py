"""Erase a person, and the holds that stop it."""
