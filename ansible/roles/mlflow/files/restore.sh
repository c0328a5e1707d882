#!/bin/sh
# Replaces both databases by their dumps, or neither. Takes the folder of the dumps and PostgreSQL's port; runs as postgres.
set -eu
folder=$1
export PGPORT="$2" PGHOST=/var/run/postgresql
for name in mlflow mlflow_auth; do
  dropdb --if-exists "${name}_restored"
  createdb --owner=mlflow --template=template0 --encoding=UTF8 "${name}_restored"
  pg_restore --exit-on-error --no-owner --role=mlflow --dbname="${name}_restored" "$folder/$name.dump"
done
for name in mlflow mlflow_auth; do
  dropdb --force --if-exists "${name}_before_restore"
done
psql --quiet --set=ON_ERROR_STOP=1 --dbname=postgres <<'SQL'
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('mlflow', 'mlflow_auth');
BEGIN;
ALTER DATABASE mlflow RENAME TO mlflow_before_restore;
ALTER DATABASE mlflow_auth RENAME TO mlflow_auth_before_restore;
ALTER DATABASE mlflow_restored RENAME TO mlflow;
ALTER DATABASE mlflow_auth_restored RENAME TO mlflow_auth;
COMMIT;
SQL
