"""Start-up check of the media folders: each must be there and writable by the application's user."""

import logging
from pathlib import Path

from media_manager.config import config

log = logging.getLogger(__name__)


def check() -> None:
    """Makes the folders, writes to each and tries a hard link from downloads to TV.

    Raises OSError, and so ends the start, where a folder can't be made or written.
    """
    misc = config.misc
    folders = [misc.tv_directory, misc.movie_directory, misc.torrent_directory, misc.image_directory]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".media_manager_test"
        probe.touch()
        probe.unlink()
    _try_hard_link(misc.torrent_directory, misc.tv_directory)


def _try_hard_link(downloads: Path, library: Path) -> None:
    source = downloads / ".media_manager.test.torrent"
    link = library / ".media_manager.test.hardlink"
    source.touch()
    try:
        link.hardlink_to(source)
    except OSError as error:
        log.error("Hardlink creation failed, falling back to copying files. Error: %s", error)
    finally:
        link.unlink(missing_ok=True)
        source.unlink()
