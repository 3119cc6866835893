-- Applied after every migration, by the owner. Idempotent.

DROP TRIGGER IF EXISTS ledger_months_add_up ON public.ledger_entries;
DROP FUNCTION IF EXISTS public.ledger_months_add_up();

-- Entries of a transaction are inserted together: a statement after which one of them does not come to zero is refused, and
-- so is one that belongs to no transaction. Whoever may insert is bound by it, the owner too.
--
-- In the same statement, what the ledger holds under each month of what requests cost is kept: whoever posts, the sums are
-- those of the entries. The entries of an organisation are posted one batch after another, so nobody waits here.
--
-- Each transaction is looked up once for both, and one by one, since a ledger that nobody has analyzed yet seems short enough
-- to be read whole; and the plan is made anew each time, since one that is kept was made for a ledger that was empty.
CREATE OR REPLACE FUNCTION public.ledger_entries_add_up() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = public, pg_temp AS $$
DECLARE
  part record;
  has_late boolean := false;
BEGIN
  FOR part IN EXECUTE $q$
    SELECT sums.org_id, t.month, t.late_from IS NOT NULL AS late, sum(sums.spends) AS transactions,
      coalesce(sum(sums.spends) FILTER (WHERE t.kind = 'spend'), 0) AS requests, coalesce(sum(sums.cost), 0) AS cost,
      min(sums.transaction_id) FILTER (WHERE sums.amount <> 0) AS uneven,
      min(sums.transaction_id) FILTER (WHERE t.id IS NULL) AS stray
    FROM (
      SELECT org_id, transaction_id, sum(amount_nano_usd) AS amount, count(*) FILTER (WHERE account_id = 'spend') AS spends,
        sum(amount_nano_usd) FILTER (WHERE account_id = 'spend') AS cost
      FROM inserted GROUP BY org_id, transaction_id
    ) AS sums
    LEFT JOIN LATERAL (
      SELECT t.id, t.month, t.late_from, t.kind FROM ledger_transactions t
      WHERE t.org_id = sums.org_id AND t.id = sums.transaction_id LIMIT 1
    ) AS t ON true
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 $q$
  LOOP
    IF part.uneven IS NOT NULL THEN
      RAISE EXCEPTION 'the entries of ledger transaction % do not come to zero', part.uneven USING ERRCODE = 'check_violation';
    ELSIF part.stray IS NOT NULL THEN
      RAISE EXCEPTION 'there is no ledger transaction %', part.stray USING ERRCODE = 'foreign_key_violation';
    END IF;
    CONTINUE WHEN part.transactions = 0;
    IF part.late THEN
      has_late := true;
    ELSE
      INSERT INTO ledger_month_sums AS s (
        org_id, month, late_from, provider, model, team_id, token_id, token_name, transactions, requests, cost_nano_usd)
      VALUES (part.org_id, part.month, '', '', '', '', '', '', part.transactions, part.requests, part.cost)
      ON CONFLICT (org_id, month, late_from, provider, model, team_id, token_id, token_name) DO UPDATE SET
        transactions = s.transactions + excluded.transactions, requests = s.requests + excluded.requests,
        cost_nano_usd = s.cost_nano_usd + excluded.cost_nano_usd;
    END IF;
  END LOOP;
  IF has_late THEN
    EXECUTE $q$
    INSERT INTO ledger_month_sums AS s (
      org_id, month, late_from, provider, model, team_id, token_id, token_name, transactions, requests, cost_nano_usd)
    SELECT i.org_id, t.month, t.late_from, coalesce(e.provider, ''), coalesce(e.model, ''), coalesce(e.team_id, ''),
      coalesce(e.token_id, ''), coalesce(e.token_name, ''), count(*), count(*) FILTER (WHERE t.kind = 'spend'),
      sum(i.amount_nano_usd)
    FROM inserted i CROSS JOIN LATERAL (
      SELECT * FROM ledger_transactions t WHERE t.org_id = i.org_id AND t.id = i.transaction_id LIMIT 1
    ) AS t
    LEFT JOIN LATERAL (
      SELECT * FROM events WHERE org_id = t.org_id AND event_id = t.event_id AND occurred_at = event_time(t.event_id) LIMIT 1
    ) e ON true
    WHERE i.account_id = 'spend' AND t.late_from IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (org_id, month, late_from, provider, model, team_id, token_id, token_name) DO UPDATE SET
      transactions = s.transactions + excluded.transactions, requests = s.requests + excluded.requests,
      cost_nano_usd = s.cost_nano_usd + excluded.cost_nano_usd $q$;
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
