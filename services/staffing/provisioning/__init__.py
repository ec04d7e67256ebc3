"""Add people to a staff: one, planned, or many; and how many a tenant may have."""
