"""Logs to standard output and, as JSON, to `media_manager.log` in the configuration directory."""

import os
import sys
from logging.config import dictConfig

from media_manager.config import config_path

_BOTH = ["console", "file"]


def setup() -> None:
    file = os.getenv("LOG_FILE", str(config_path().parent / "media_manager.log"))
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "plain": {"format": "%(asctime)s - %(levelname)s - %(name)s - %(message)s"},
                "json": {
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
                },
            },
            "handlers": {
                "console": {
                    "class": "logging.StreamHandler",
                    "formatter": "plain",
                    "stream": sys.stdout,
                },
                "file": {
                    "class": "logging.handlers.RotatingFileHandler",
                    "formatter": "json",
                    "filename": file,
                    "maxBytes": 10 * 1024 * 1024,
                    "backupCount": 5,
                    "encoding": "utf-8",
                },
            },
            "root": {"level": os.getenv("MEDIAMANAGER_LOG_LEVEL", "INFO"), "handlers": _BOTH},
        }
    )
