import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.alter_column("oauth_account", "refresh_token", type_=sa.String(4096))


def downgrade() -> None:
    op.alter_column("oauth_account", "refresh_token", type_=sa.String(1024))
