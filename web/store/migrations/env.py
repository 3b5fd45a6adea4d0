"""What Alembic runs. In: the connection that `upgrade` gives. Out: the revisions, run in its transaction."""

from alembic import context

from web.store.tables import Row

context.configure(connection=context.config.attributes["connection"], target_metadata=Row.metadata,
                  render_as_batch=True, transaction_per_migration=False)
context.run_migrations()
