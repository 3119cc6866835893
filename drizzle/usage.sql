-- Applied after every migration, by the owner. Idempotent.

-- Keeps the sums of usage_hourly and usage_daily by team, by provider, by model, by verdict and by reason, in the statement that
-- changes them: whoever records or corrects, these are theirs. Nobody waits here who has not waited for the organisation's counters.
DO $do$
DECLARE
  unit text;
  keys text := 'org_id, dimension, at, value';
  members text := 'team_id, provider, model, verdict, reason_code';
  told_apart text := 'CROSS JOIN LATERAL (VALUES (''team_id'', team_id), (''provider'', provider), (''model'', model), '
    '(''verdict'', verdict), (''reason_code'', reason_code)) AS d (dimension, value)';
  -- Whether sums were kept before by fewer of them, if at all.
  widened boolean := NOT EXISTS (SELECT FROM pg_proc WHERE proname = 'usage_daily_inserted' AND prosrc LIKE '%reason_code%');
  sums text[] := ARRAY['events', 'unpriced', 'errors', 'cache_hits', 'tokens_input', 'tokens_output', 'tokens_total', 'cost_nano_usd'];
  columns text;
  summed text;
  negative text;
  added text;
BEGIN
  SELECT string_agg(c, ', ' ORDER BY n), string_agg(format('capped(sum(%I))', c), ', ' ORDER BY n),
    string_agg('-' || c, ', ' ORDER BY n), string_agg(format('%1$I = capped(u.%1$I) + excluded.%1$I', c), ', ' ORDER BY n)
  INTO columns, summed, negative, added FROM unnest(sums) WITH ORDINALITY AS s (c, n);
  FOREACH unit IN ARRAY ARRAY['hourly', 'daily'] LOOP
    EXECUTE format(
      'CREATE OR REPLACE FUNCTION public.usage_%1$s_inserted() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER '
      'SET search_path = public, pg_temp AS $fn$ BEGIN '
      'INSERT INTO usage_dimensions_%1$s AS u (%2$s, %3$s) SELECT %2$s, %4$s FROM added %6$s GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 '
      'ON CONFLICT (%2$s) DO UPDATE SET %5$s; RETURN NULL; END $fn$', unit, keys, columns, summed, added, told_apart);
    EXECUTE format(
      'CREATE OR REPLACE FUNCTION public.usage_%1$s_updated() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER '
      'SET search_path = public, pg_temp AS $fn$ BEGIN '
      'INSERT INTO usage_dimensions_%1$s AS u (%2$s, %3$s) SELECT %2$s, %4$s '
      'FROM (SELECT org_id, at, %8$s, %3$s FROM added '
      'UNION ALL SELECT org_id, at, %8$s, %6$s FROM before) AS changed %7$s '
      'GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 ON CONFLICT (%2$s) DO UPDATE SET %5$s; RETURN NULL; END $fn$',
      unit, keys, columns, summed, added, negative, told_apart, members);
    EXECUTE format(
      'CREATE OR REPLACE TRIGGER usage_%1$s_inserted AFTER INSERT ON public.usage_%1$s '
      'REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.usage_%1$s_inserted()', unit);
    EXECUTE format(
      'CREATE OR REPLACE TRIGGER usage_%1$s_updated AFTER UPDATE ON public.usage_%1$s '
      'REFERENCING OLD TABLE AS before NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.usage_%1$s_updated()', unit);
    IF widened THEN
      EXECUTE format('LOCK TABLE usage_%1$s IN SHARE ROW EXCLUSIVE MODE', unit);
      -- An owner that is no superuser would see no organisation.
      EXECUTE format('ALTER TABLE usage_%1$s NO FORCE ROW LEVEL SECURITY', unit);
      EXECUTE format('ALTER TABLE usage_dimensions_%1$s NO FORCE ROW LEVEL SECURITY', unit);
      EXECUTE format('INSERT INTO usage_dimensions_%1$s (%2$s, %3$s) SELECT %2$s, %4$s FROM usage_%1$s %5$s GROUP BY 1, 2, 3, 4 '
        'ON CONFLICT (%2$s) DO NOTHING', unit, keys, columns, summed, told_apart);
      EXECUTE format('ALTER TABLE usage_%1$s FORCE ROW LEVEL SECURITY', unit);
      EXECUTE format('ALTER TABLE usage_dimensions_%1$s FORCE ROW LEVEL SECURITY', unit);
    END IF;
    -- Written over and over, as those they are kept from.
    EXECUTE format('ALTER TABLE public.usage_dimensions_%1$s SET (fillfactor = 70)', unit);
  END LOOP;
END $do$;
