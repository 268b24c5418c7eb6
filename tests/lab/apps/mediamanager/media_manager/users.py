"""Users, sessions and the default administrator, by fastapi-users."""

import contextlib
import logging
import uuid

from fastapi import Depends
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    CookieTransport,
    JWTStrategy,
)
from fastapi_users.db import SQLAlchemyUserDatabase
from sqlalchemy import func, select

from media_manager.config import config
from media_manager.db import User, get_session, get_user_db

log = logging.getLogger(__name__)


class UserRead(schemas.BaseUser[uuid.UUID]):
    pass


class UserCreate(schemas.BaseUserCreate):
    pass


class UserUpdate(schemas.BaseUserUpdate):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = config.auth.token_secret
    verification_token_secret = config.auth.token_secret

    async def on_after_register(self, user: User, request=None):
        """Registration is open: whoever takes an administrator's address becomes one."""
        log.info("User %s has registered.", user.id)
        if user.email in config.auth.admin_emails:
            await self.update(UserUpdate(is_superuser=True, is_verified=True), user)


async def get_user_manager(user_db: SQLAlchemyUserDatabase = Depends(get_user_db)):
    yield UserManager(user_db)


def jwt_strategy() -> JWTStrategy:
    return JWTStrategy(config.auth.token_secret, config.auth.session_lifetime)


bearer_backend = AuthenticationBackend("jwt", BearerTransport("auth/jwt/login"), jwt_strategy)
cookie_backend = AuthenticationBackend(
    "cookie",
    CookieTransport(
        cookie_max_age=config.auth.session_lifetime, cookie_samesite="lax", cookie_secure=False
    ),
    jwt_strategy,
)
fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [bearer_backend, cookie_backend])


async def create_default_admin() -> None:
    """Makes the first administrator, with the password `admin`, when there are no users at all.

    A failure is logged and the start goes on, as in MediaManager.
    """
    try:
        async with contextlib.asynccontextmanager(get_session)() as session:
            if (await session.execute(select(func.count(User.id)))).scalar():
                return
            emails = config.auth.admin_emails
            email = emails[0] if emails else "admin@example.com"
            async with contextlib.asynccontextmanager(get_user_db)(session) as user_db:
                await UserManager(user_db).create(
                    UserCreate(email=email, password="admin", is_superuser=True, is_verified=True)
                )
            log.info("DEFAULT ADMIN USER CREATED! Email: %s Password: admin", email)
    except Exception as error:
        log.error("Failed to create default admin user: %s", error)
