"""Alembic's environment: runs inside the transaction that `upgrade` opened."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema=context.config.attributes["service"])
context.run_migrations()
