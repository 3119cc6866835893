-- Applied after every migration, by the owner. Idempotent.

-- Entries of a transaction are inserted together: a statement after which one of them does not come to zero is refused, and
-- so is one that belongs to no transaction. Whoever may insert is bound by it, the owner too.
--
-- Transactions are looked up one by one, since a ledger that nobody has analyzed yet seems short enough to be read whole; and
-- the plan is made anew each time, since one that is kept was made for a ledger that was empty.
CREATE OR REPLACE FUNCTION public.ledger_entries_add_up() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = public, pg_temp AS $$
DECLARE
  wrong record;
BEGIN
  EXECUTE $q$
    SELECT sums.transaction_id AS id, sums.amount
    FROM (
      SELECT org_id, transaction_id, sum(amount_nano_usd) AS amount FROM inserted GROUP BY org_id, transaction_id
    ) AS sums
    LEFT JOIN LATERAL (
      SELECT t.id FROM ledger_transactions t WHERE t.org_id = sums.org_id AND t.id = sums.transaction_id LIMIT 1
    ) AS t ON true
    WHERE sums.amount <> 0 OR t.id IS NULL
    LIMIT 1 $q$ INTO wrong;
  IF wrong.amount <> 0 THEN
    RAISE EXCEPTION 'the entries of ledger transaction % do not come to zero', wrong.id USING ERRCODE = 'check_violation';
  ELSIF wrong.id IS NOT NULL THEN
    RAISE EXCEPTION 'there is no ledger transaction %', wrong.id USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER ledger_entries_add_up AFTER INSERT ON public.ledger_entries
REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_entries_add_up();

-- Whoever comes past the rights of the application is still stopped here; only a TRUNCATE by the owner is not.
CREATE OR REPLACE FUNCTION public.ledger_is_a_record() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = public, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER ledger_is_a_record BEFORE UPDATE OR DELETE ON public.ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_is_a_record();
CREATE OR REPLACE TRIGGER ledger_is_a_record BEFORE UPDATE OR DELETE ON public.ledger_transactions
FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_is_a_record();
