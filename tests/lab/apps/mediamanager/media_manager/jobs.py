"""Background jobs by taskiq with PostgreSQL as the broker, inside the web process, as in MediaManager.

The job itself does nothing here. What matters is the broker: it listens on a connection of its own, and
after a *restart* of PostgreSQL that loop spins on the dead connection, so that the process neither answers
nor ends.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from taskiq.receiver import Receiver
from taskiq_postgresql import PostgresqlBroker

from media_manager.config import config

_db = config.database
broker = PostgresqlBroker(
    dsn=f"postgresql://{_db.user}:{_db.password}@{_db.host}:{_db.port}/{_db.dbname}",
    driver="psycopg",
    run_migrations=True,
)


@broker.task
async def import_torrents() -> None:
    """Stands for MediaManager's periodic imports."""


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Receives jobs while the application serves."""
    await broker.startup()
    finish = asyncio.Event()
    receiver = Receiver(broker, run_startup=False, max_async_tasks=10)
    listening = asyncio.create_task(receiver.listen(finish))
    await import_torrents.kiq()
    try:
        yield
    finally:
        finish.set()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await broker.shutdown()
