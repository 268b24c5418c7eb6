import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("show", sa.Column("library", sa.String(), nullable=False, server_default="Default"))


def downgrade() -> None:
    op.drop_column("show", "library")
