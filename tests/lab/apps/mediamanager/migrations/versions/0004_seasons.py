import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "season",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("show_id", sa.Uuid(), sa.ForeignKey("show.id", ondelete="cascade"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("season")
