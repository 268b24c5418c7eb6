"""The web application: routers, health, the page and the redirect to it."""

import os
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from media_manager import jobs, log, storage
from media_manager.config import config
from media_manager.oauth import oauth_router, provider_names
from media_manager.users import (
    UserCreate,
    UserRead,
    UserUpdate,
    bearer_backend,
    cookie_backend,
    create_default_admin,
    fastapi_users,
)

log.setup()
storage.check()


@asynccontextmanager
async def lifespan(_app: FastAPI):
    async with jobs.running():
        await create_default_admin()
        yield


app = FastAPI(lifespan=lifespan, root_path=os.getenv("BASE_PATH", ""))
app.add_middleware(ProxyHeadersMiddleware, trusted_hosts="*")
app.add_middleware(
    CORSMiddleware,
    allow_origins=config.misc.cors_urls,
    allow_credentials=True,
    allow_methods=["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"],
)

api = APIRouter(prefix="/api/v1")


@api.get("/health")
async def health() -> dict:
    """Says nothing about the database."""
    return {"message": "Hello World!", "version": os.getenv("PUBLIC_VERSION")}


@api.get("/auth/metadata")
async def auth_metadata() -> dict:
    return {"oauth_providers": provider_names()}


@api.get("/debug/headers")
async def headers_that_arrived(request: Request) -> list[tuple[str, str]]:
    """For the tests alone, not in MediaManager: every header as it arrived here, name and value."""
    return request.headers.items()


api.include_router(fastapi_users.get_auth_router(bearer_backend), prefix="/auth/jwt")
api.include_router(fastapi_users.get_auth_router(cookie_backend), prefix="/auth/cookie")
api.include_router(fastapi_users.get_register_router(UserRead, UserCreate), prefix="/auth")
api.include_router(fastapi_users.get_users_router(UserRead, UserUpdate), prefix="/users")
if (oauth := oauth_router()) is not None:
    api.include_router(oauth, prefix="/auth/oauth")
app.include_router(api)

# The built page has a 404.html and no index.html: the page works, with the status 404.
app.mount("/web", StaticFiles(directory=os.environ["FRONTEND_FILES_DIR"], html=True), name="web")


@app.get("/")
@app.get("/dashboard")
@app.get("/login")
async def to_page() -> RedirectResponse:
    return RedirectResponse("/web/")
