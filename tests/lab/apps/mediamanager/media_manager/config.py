"""The configuration, read by pydantic-settings in MediaManager's way.

Every section is a `BaseSettings` of its own, nested in another one. That is why a key which is neither in
a `MEDIAMANAGER_` variable nor in the file is taken from a plain variable of its bare name (`PORT`, `USER`,
`HOST`, ...): each section reads the environment again, without a prefix. It is also why an unknown key is
fatal: `BaseSettings` forbids what it does not know.
"""

import os
import secrets
from pathlib import Path

from pydantic import AnyHttpUrl, Field
from pydantic_settings import BaseSettings, SettingsConfigDict, TomlConfigSettingsSource


def config_path() -> Path:
    """`$CONFIG_FILE`, else `$CONFIG_DIR/config.toml`."""
    file = os.getenv("CONFIG_FILE")
    return Path(file) if file else Path(os.getenv("CONFIG_DIR", "/app/config")) / "config.toml"


class Library(BaseSettings):
    name: str
    path: str


class Misc(BaseSettings):
    frontend_url: AnyHttpUrl = AnyHttpUrl("http://localhost:3000/web/")
    cors_urls: list[str] = []
    image_directory: Path = Path("/app/data/images")
    tv_directory: Path = Path("/app/data/tv")
    movie_directory: Path = Path("/app/data/movies")
    torrent_directory: Path = Path("/app/data/torrents")
    development: bool = False
    tv_libraries: list[Library] = []
    movie_libraries: list[Library] = []


class Database(BaseSettings):
    host: str = "localhost"
    port: int = 5432
    user: str = "MediaManager"
    password: str = "MediaManager"
    dbname: str = "MediaManager"


class OpenIdConnect(BaseSettings):
    enabled: bool = False
    client_id: str = ""
    client_secret: str = ""
    configuration_endpoint: str = ""
    name: str = "OAuth2"


class Auth(BaseSettings):
    # Absent: a new one at each start, and every session is lost. Empty is accepted.
    token_secret: str = Field(default_factory=secrets.token_hex)
    session_lifetime: int = 60 * 60 * 24
    admin_emails: list[str] = []
    email_password_resets: bool = False
    openid_connect: OpenIdConnect = OpenIdConnect()


class Qbittorrent(BaseSettings):
    enabled: bool = False
    host: str = "localhost"
    port: int = 8080
    username: str = "admin"
    password: str = "admin"


class Transmission(BaseSettings):
    enabled: bool = False
    host: str = "localhost"
    port: int = 9091
    username: str = ""
    password: str = ""
    https_enabled: bool = True
    path: str = "/transmission/rpc"


class Sabnzbd(BaseSettings):
    enabled: bool = False
    host: str = "localhost"
    port: int = 8080
    api_key: str = ""
    base_path: str = "/api"


class Torrents(BaseSettings):
    qbittorrent: Qbittorrent = Qbittorrent()
    transmission: Transmission = Transmission()
    sabnzbd: Sabnzbd = Sabnzbd()


class Prowlarr(BaseSettings):
    enabled: bool = False
    url: str = "http://localhost:9696"
    api_key: str = ""
    timeout_seconds: int = 60


class Jackett(Prowlarr):
    indexers: list[str] = ["all"]


class Indexers(BaseSettings):
    prowlarr: Prowlarr = Prowlarr()
    jackett: Jackett = Jackett()


class Smtp(BaseSettings):
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = ""
    from_email: str = ""
    use_tls: bool = False


class EmailNotifications(BaseSettings):
    enabled: bool = False
    emails: list[str] = []


class Gotify(BaseSettings):
    enabled: bool = False
    api_key: str = ""
    url: str = ""


class Ntfy(BaseSettings):
    enabled: bool = False
    url: str = ""


class Pushover(BaseSettings):
    enabled: bool = False
    api_key: str = ""
    user: str = ""


class Notifications(BaseSettings):
    smtp_config: Smtp = Smtp()
    email_notifications: EmailNotifications = EmailNotifications()
    gotify: Gotify = Gotify()
    ntfy: Ntfy = Ntfy()
    pushover: Pushover = Pushover()


class Tmdb(BaseSettings):
    tmdb_relay_url: str = "https://metadata-relay.dorninger.co/tmdb"


class Tvdb(BaseSettings):
    tvdb_relay_url: str = "https://metadata-relay.dorninger.co/tvdb"


class Metadata(BaseSettings):
    tmdb: Tmdb = Tmdb()
    tvdb: Tvdb = Tvdb()


class Config(BaseSettings):
    """Highest first: `MEDIAMANAGER_SECTION__KEY`, the TOML file, bare variables in each section, defaults."""

    model_config = SettingsConfigDict(
        toml_file=config_path(),
        case_sensitive=False,
        env_prefix="MEDIAMANAGER_",
        env_nested_delimiter="__",
    )

    misc: Misc = Misc()
    torrents: Torrents = Torrents()
    notifications: Notifications = Notifications()
    metadata: Metadata = Metadata()
    indexers: Indexers = Indexers()
    database: Database = Database()
    auth: Auth = Auth()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
    ):
        file = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, dotenv_settings, file, file_secret_settings


config = Config()
