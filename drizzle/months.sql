-- Applied after every migration, by the owner. Idempotent.

-- Keeps what the ledger holds under each month of what requests cost, in the statement that posts it: whoever posts, the sums
-- are those of the entries. The entries of an organisation are posted one batch after another, so nobody waits here.
--
-- Plans are made anew each time, and transactions are looked up one by one: see drizzle/ledger.sql.
CREATE OR REPLACE FUNCTION public.ledger_months_add_up() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = public, pg_temp AS $$
DECLARE
  part record;
  has_late boolean := false;
BEGIN
  FOR part IN EXECUTE $q$
    SELECT i.org_id, t.month, t.late_from IS NOT NULL AS late, count(*) AS transactions,
      count(*) FILTER (WHERE t.kind = 'spend') AS requests, sum(i.amount_nano_usd) AS cost
    FROM inserted i CROSS JOIN LATERAL (
      SELECT t.month, t.late_from, t.kind FROM ledger_transactions t
      WHERE t.org_id = i.org_id AND t.id = i.transaction_id LIMIT 1
    ) AS t
    WHERE i.account_id = 'spend'
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 $q$
  LOOP
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

CREATE OR REPLACE TRIGGER ledger_months_add_up AFTER INSERT ON public.ledger_entries
REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_months_add_up();
