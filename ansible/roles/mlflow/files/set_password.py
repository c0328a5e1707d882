"""Give MLflow's administrator the password of the configuration. Prints `changed` or `same`, never the password.

MLflow reads the configured password only when it makes the user. MLFLOW_AUTH_CONFIG_PATH names the configuration.
"""

from __future__ import annotations

import sys

from mlflow.server.auth.config import read_auth_config
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore


def main() -> None:
    """Compare, and set what differs."""
    config = read_auth_config()
    store = SqlAlchemyStore()
    store.init_db(config.database_uri)
    name, password = config.admin_username, config.admin_password
    if not name or not password:
        sys.exit("The configuration has no administrator.")
    if not store.has_user(name):
        store.create_user(name, password, is_admin=True)
    elif store.authenticate_user(name, password):
        sys.stdout.write("same\n")
        return
    else:
        store.update_user(name, password=password)
    sys.stdout.write("changed\n")


if __name__ == "__main__":
    main()
