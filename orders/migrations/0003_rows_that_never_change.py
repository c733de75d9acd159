"""The database's own refusal to change history: ledger rows and events are only ever added, and a transfer sums to zero.

On SQLite a table that a later migration rebuilds loses its triggers: call `protect` again at the end of that migration. A test
looks for them. PostgreSQL checks the sums when the transaction commits; SQLite has no such moment, there the ledger's code does.
"""

from django.db import migrations

FROZEN = [
    "orders_ledgertransfer",
    "orders_ledgerentry",
    "orders_orderevent",
    "orders_disbursementevent",
    "orders_ruling",
    "orders_receipt",
]

SQLITE_GUARD = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table}: rows are only ever added'); END
"""
POSTGRESQL = """
CREATE OR REPLACE FUNCTION orders_only_ever_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: rows are only ever added', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE OR REPLACE FUNCTION orders_transfer_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    id_of_transfer bigint := CASE TG_TABLE_NAME WHEN 'orders_ledgertransfer' THEN (to_jsonb(NEW)->>'id') ELSE (to_jsonb(NEW)->>'transfer_id') END;
    lines integer; total numeric; strangers integer;
BEGIN
    SELECT count(*), sum(e.amount), count(*) FILTER (WHERE a.currency <> t.currency) INTO lines, total, strangers
    FROM orders_ledgerentry e JOIN orders_ledgeraccount a ON a.id = e.account_id JOIN orders_ledgertransfer t ON t.id = e.transfer_id
    WHERE e.transfer_id = id_of_transfer;
    IF lines < 2 OR total <> 0 OR strangers > 0 THEN
        RAISE EXCEPTION 'transfer % does not add up: % lines, sum %, % of another currency', id_of_transfer, lines, total, strangers
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER orders_ledgertransfer_adds_up AFTER INSERT ON orders_ledgertransfer
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION orders_transfer_adds_up();
CREATE CONSTRAINT TRIGGER orders_ledgerentry_adds_up AFTER INSERT ON orders_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION orders_transfer_adds_up();
"""
POSTGRESQL_GUARD = """
CREATE TRIGGER {table}_only_ever_added BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION orders_only_ever_added()
"""
POSTGRESQL_UNDO = """
DROP TRIGGER orders_ledgertransfer_adds_up ON orders_ledgertransfer;
DROP TRIGGER orders_ledgerentry_adds_up ON orders_ledgerentry;
DROP FUNCTION orders_transfer_adds_up();
DROP FUNCTION orders_only_ever_added();
"""


def protect(apps, schema_editor):
    execute = schema_editor.connection.cursor().execute
    if schema_editor.connection.vendor == "postgresql":
        execute(POSTGRESQL)
        for table in FROZEN:
            execute(POSTGRESQL_GUARD.format(table=table))
    else:
        for table in FROZEN:
            for verb in ("UPDATE", "DELETE"):
                execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
                execute(SQLITE_GUARD.format(table=table, verb=verb))


def unprotect(apps, schema_editor):
    execute = schema_editor.connection.cursor().execute
    if schema_editor.connection.vendor == "postgresql":
        for table in FROZEN:
            execute(f"DROP TRIGGER {table}_only_ever_added ON {table}")
        execute(POSTGRESQL_UNDO)
    else:
        for table in FROZEN:
            for verb in ("UPDATE", "DELETE"):
                execute(f"DROP TRIGGER {table}_no_{verb}")


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_escrow")]
    operations = [migrations.RunPython(protect, unprotect, elidable=False)]
