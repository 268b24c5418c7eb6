"""Sign-in at an OpenID Connect provider: fastapi-users' own router and httpx-oauth's own client.

The client reads the discovery document when it is made, so while the application starts: a provider that
is down, unknown or not trusted ends the process. httpx takes `SSL_CERT_FILE` for a private CA.
"""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from fastapi_users.authentication import AuthenticationBackend, CookieTransport
from fastapi_users.router import get_oauth_router
from httpx_oauth.clients.openid import OpenID

from media_manager.config import config
from media_manager.users import get_user_manager, jwt_strategy

_settings = config.auth.openid_connect


class RedirectingCookieTransport(CookieTransport):
    """Sends the person to the page after the sign-in; `web/...` is appended to `frontend_url`."""

    async def get_login_response(self, token: str) -> Response:
        page = f"{config.misc.frontend_url}web/dashboard"
        return self._set_login_cookie(RedirectResponse(page, status_code=302), token)


def provider_names() -> list[str]:
    return [_settings.name] if _settings.enabled else []


def oauth_router() -> APIRouter | None:
    """`/authorize` and `/callback`, or None when OpenID Connect is off."""
    if not _settings.enabled:
        return None
    client = OpenID(
        client_id=_settings.client_id,
        client_secret=_settings.client_secret,
        openid_configuration_endpoint=_settings.configuration_endpoint,
        name=_settings.name,
        base_scopes=["openid", "email", "profile"],
    )
    transport = RedirectingCookieTransport(
        cookie_max_age=config.auth.session_lifetime, cookie_samesite="lax", cookie_secure=False
    )
    return get_oauth_router(
        client,
        AuthenticationBackend("cookie", transport, jwt_strategy),
        get_user_manager,
        state_secret=config.auth.token_secret,
        associate_by_email=True,
        is_verified_by_default=True,
        redirect_url=None,  # made from the request: its Host and X-Forwarded-Proto
    )
