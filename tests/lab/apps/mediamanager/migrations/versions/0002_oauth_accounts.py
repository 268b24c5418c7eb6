import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "oauth_account",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("user.id", ondelete="cascade"), nullable=False),
        sa.Column("oauth_name", sa.String(100), nullable=False),
        sa.Column("access_token", sa.String(1024), nullable=False),
        sa.Column("expires_at", sa.Integer()),
        sa.Column("refresh_token", sa.String(1024)),
        sa.Column("account_id", sa.String(320), nullable=False),
        sa.Column("account_email", sa.String(320), nullable=False),
    )
    op.create_index("ix_oauth_account_oauth_name", "oauth_account", ["oauth_name"])
    op.create_index("ix_oauth_account_account_id", "oauth_account", ["account_id"])


def downgrade() -> None:
    op.drop_table("oauth_account")
