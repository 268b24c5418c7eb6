import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("movie", sa.Column("library", sa.String(), nullable=False, server_default="Default"))


def downgrade() -> None:
    op.drop_column("movie", "library")
