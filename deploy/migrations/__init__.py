"""Alembic for every service: one environment; the migrations of the shared packages beside the service's own."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

import services

_HERE = Path(__file__).parent
_SERVICES = Path(services.__file__).parent


def config(service: str, connection: Connection | None = None) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(_HERE))
    settings.set_main_option("path_separator", "newline")
    places = "\n".join(f"{_SERVICES}/{part}/migrations" for part in ("chassis", "upkeep", "people", service))
    settings.set_main_option("version_locations", places)
    settings.attributes.update(connection=connection, service=service)
    return settings


def upgrade(service: str, admin_dsn: str) -> None:
    """Bring one service's schema to its newest version, as the role that owns the schema."""
    engine = create_engine(admin_dsn.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.begin() as connection:
            connection.execute(text(f"SET LOCAL ROLE {service}_owner"))
            connection.execute(text(f"SET LOCAL search_path TO {service}"))
            command.upgrade(config(service, connection), "heads")
    finally:
        engine.dispose()
