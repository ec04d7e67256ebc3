"""Erase somebody who has left a roster, and the holds that stop it."""
