"""How the tables came to be. In: a database of any earlier version, or an empty one. Out: the tables of this version.

A revision is a file in versions/; `alembic` needs no configuration file, everything is told here.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from web.errors import ServiceError
from web.store.database import Database


class BadDatabase(ServiceError):
    """The database is not one that this version can use."""


def upgrade(database: Database) -> None:
    """Brings the tables to this version, in one transaction; nothing happens when they are.

    Raises BadDatabase when the database was written by a newer version.
    """
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with database.engine.connect().execution_options(writes=True) as connection, connection.begin():
        settings.attributes["connection"] = connection
        try:
            command.upgrade(settings, "head")
        except CommandError as error:
            raise BadDatabase(f"the database {database.path} was written by a newer version: {error}") from error
