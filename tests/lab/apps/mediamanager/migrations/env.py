"""Runs the migrations on MediaManager's database.

The address is put together as text and set as an option of alembic's INI file, as MediaManager does it:
a `%` in the password is then taken for an interpolation, which is fatal, and the message shows the password.
"""

from logging.config import fileConfig

from alembic import context
from sqlalchemy import engine_from_config, pool

from media_manager.config import config as settings

config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name)

db = settings.database
config.set_main_option(
    "sqlalchemy.url",
    f"postgresql+psycopg://{db.user}:{db.password}@{db.host}:{db.port}/{db.dbname}",
)

engine = engine_from_config(
    config.get_section(config.config_ini_section, {}),
    prefix="sqlalchemy.",
    poolclass=pool.NullPool,
)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
