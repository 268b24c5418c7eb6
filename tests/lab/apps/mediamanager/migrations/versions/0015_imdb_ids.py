import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("show", sa.Column("imdb_id", sa.String()))
    op.add_column("movie", sa.Column("imdb_id", sa.String()))


def downgrade() -> None:
    op.drop_column("movie", "imdb_id")
    op.drop_column("show", "imdb_id")
