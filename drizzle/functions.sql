-- Applied after every migration, by the owner. Idempotent.

-- The milliseconds of a UUIDv7 (RFC 9562 section 5.7) in an id of ours: when an event occurred, and in which month it is.
CREATE OR REPLACE FUNCTION public.event_time(event_id text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN to_timestamp(('x' || substr(event_id, 5, 12))::bit(48)::bigint / 1000.0);

-- Makes the months of events from the oldest that is needed to `ahead` months from now, and moves what waited in the
-- default partition for one of them. Runs as the owner: the application may add months, and nothing else.
CREATE OR REPLACE FUNCTION public.ensure_event_months(ahead integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  month date;
  until date;
  name text;
  columns text;
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(4117210019);
  ALTER TABLE events_default NO FORCE ROW LEVEL SECURITY;
  SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
  FROM pg_attribute WHERE attrelid = 'public.events'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
  SELECT date_trunc('month', greatest(least(min(occurred_at), now() - interval '1 month'), now() - interval '20 years'))
  INTO month FROM events_default WHERE occurred_at >= now() - interval '20 years';
  month := coalesce(month, date_trunc('month', now() - interval '1 month'));
  until := date_trunc('month', now() + make_interval(months => least(greatest(ahead, 0), 24)));
  WHILE month <= until LOOP
    name := 'events_' || to_char(month, 'YYYY_MM');
    IF to_regclass('public.' || name) IS NULL THEN
      EXECUTE format('CREATE TABLE public.%I (LIKE public.events INCLUDING ALL)', name);
      EXECUTE format(
        'WITH moved AS (DELETE FROM public.events_default WHERE occurred_at >= %L AND occurred_at < %L RETURNING *) '
        'INSERT INTO public.%I (%s) SELECT %4$s FROM moved', month, month + interval '1 month', name, columns);
      EXECUTE format('ALTER TABLE public.events ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        name, month, month + interval '1 month');
      EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', name);
      EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', name);
      EXECUTE format(
        'CREATE POLICY tenant ON public.%I USING (org_id = current_setting(''app.org_id'', true)) '
        'WITH CHECK (org_id = current_setting(''app.org_id'', true))', name);
      EXECUTE format('REVOKE ALL ON public.%I FROM keeptrusts_app', name);
      made := made + 1;
    END IF;
    month := month + interval '1 month';
  END LOOP;
  ALTER TABLE events_default FORCE ROW LEVEL SECURITY;
  RETURN made;
END $$;

REVOKE ALL ON FUNCTION public.ensure_event_months(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.ensure_event_months(integer) TO keeptrusts_app;
SELECT public.ensure_event_months(3);

-- Records a batch of events in one statement of the caller, because the counter's row stays locked until the commit and
-- every round trip under that lock is time in which no other batch of the organisation can be recorded.
--
-- batch: a JSON array of rows whose line is split around the two values that are only known here: `line_head`,
-- `line_middle` and `line_tail` enclose `recorded_at` and `seq`.
-- ids: the event ids of the batch, which need no parsing.
-- Returns which event ids were recorded before (the first one recorded stands) and the last seq.
-- Runs with the rights of its caller, under row-level security.
CREATE OR REPLACE FUNCTION public.record_events(tenant text, ids text[], batch json, OUT known text[], OUT last_seq bigint)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  stated_at timestamptz;
  stated text;
  before_seq bigint;
BEGIN
  SELECT seq, greatest(clock_timestamp(), recorded_at) INTO before_seq, stated_at
  FROM org_counters WHERE org_id = tenant FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'organisation % has no counters', tenant;
  END IF;
  stated := to_char(stated_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  -- A statement of its own: only one that begins after the lock is held sees what the holder before has stored.
  known := ARRAY(
    SELECT e.event_id FROM events e
    WHERE e.org_id = tenant AND e.event_id = ANY (ids)
      AND e.occurred_at >= (SELECT min(event_time(id)) FROM unnest(ids) AS id)
      AND e.occurred_at <= (SELECT max(event_time(id)) FROM unnest(ids) AS id));
  WITH fresh AS (
    SELECT r.*, before_seq + row_number() OVER () AS given_seq
    FROM json_to_recordset(batch) AS r(
      event_id text, line_head text, line_middle text, line_tail text, request_id text, gateway_id text,
      gateway_seq bigint, verdict text, reason_code text, identity text, token_id text, token_name text, team_id text,
      user_id text, agent_id text, conversation_id text, config_name text, config_version text, provider text,
      target_id text, model text, model_requested text, client_ip text, api_shape text, error_code text,
      status_code integer, tokens_input bigint, tokens_output bigint, tokens_total bigint, cost_nano_usd bigint,
      latency_ms float8, stream boolean, cache_hit boolean)
    WHERE r.event_id <> ALL (known)
  ), lines AS (
    SELECT *, line_head || stated || line_middle || given_seq || line_tail AS line FROM fresh
  ), stored AS (
    INSERT INTO events (
      org_id, seq, event_id, line, leaf_hash, recorded_at, occurred_at, request_id, gateway_id, gateway_seq, verdict,
      reason_code, identity, token_id, token_name, team_id, user_id, agent_id, conversation_id, config_name,
      config_version, provider, target_id, model, model_requested, client_ip, api_shape, error_code, status_code,
      tokens_input, tokens_output, tokens_total, cost_nano_usd, latency_ms, stream, cache_hit)
    SELECT
      tenant, given_seq, event_id, line, sha256('\x00'::bytea || convert_to(line, 'UTF8')), stated_at,
      event_time(event_id), request_id, gateway_id, gateway_seq, verdict, reason_code, identity, token_id, token_name,
      team_id, user_id, agent_id, conversation_id, config_name, config_version, provider, target_id, model,
      model_requested, client_ip, api_shape, error_code, status_code, tokens_input, tokens_output, tokens_total,
      cost_nano_usd, latency_ms, stream, cache_hit
    FROM lines
    RETURNING *
  ), summed AS (
    SELECT date_trunc('hour', occurred_at) AS hour, coalesce(team_id, '') AS team_id, coalesce(user_id, '') AS user_id,
      coalesce(agent_id, '') AS agent_id, coalesce(token_id, '') AS token_id, coalesce(token_name, '') AS token_name,
      coalesce(provider, '') AS provider,
      coalesce(model, '') AS model, verdict, reason_code, count(*) AS events,
      count(*) FILTER (WHERE tokens_total IS NOT NULL AND cost_nano_usd IS NULL) AS unpriced,
      count(*) FILTER (WHERE status_code >= 400) AS errors, count(*) FILTER (WHERE cache_hit) AS cache_hits,
      coalesce(sum(tokens_input), 0) AS tokens_input, coalesce(sum(tokens_output), 0) AS tokens_output,
      coalesce(sum(tokens_total), 0) AS tokens_total, coalesce(sum(cost_nano_usd), 0) AS cost_nano_usd,
      sum(latency_ms) AS latency_ms_sum
    FROM stored
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
  ), hourly AS (
    INSERT INTO usage_hourly AS u
    SELECT tenant, hour, team_id, user_id, agent_id, token_id, token_name, provider, model, verdict, reason_code, events, unpriced,
      errors, cache_hits, tokens_input, tokens_output, tokens_total, cost_nano_usd, latency_ms_sum
    FROM summed
    ON CONFLICT (org_id, at, token_id, token_name, model, verdict, reason_code, provider, agent_id, team_id, user_id) DO UPDATE SET
      events = u.events + excluded.events, unpriced = u.unpriced + excluded.unpriced,
      errors = u.errors + excluded.errors, cache_hits = u.cache_hits + excluded.cache_hits,
      tokens_input = u.tokens_input + excluded.tokens_input, tokens_output = u.tokens_output + excluded.tokens_output,
      tokens_total = u.tokens_total + excluded.tokens_total, cost_nano_usd = u.cost_nano_usd + excluded.cost_nano_usd,
      latency_ms_sum = u.latency_ms_sum + excluded.latency_ms_sum
  ), daily AS (
    INSERT INTO usage_daily AS u
    SELECT tenant, date_trunc('day', hour), team_id, user_id, agent_id, token_id, token_name, provider, model, verdict,
      reason_code, sum(events), sum(unpriced), sum(errors), sum(cache_hits), sum(tokens_input), sum(tokens_output),
      sum(tokens_total), sum(cost_nano_usd), sum(latency_ms_sum)
    FROM summed
    GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ON CONFLICT (org_id, at, token_id, token_name, model, verdict, reason_code, provider, agent_id, team_id, user_id) DO UPDATE SET
      events = u.events + excluded.events, unpriced = u.unpriced + excluded.unpriced,
      errors = u.errors + excluded.errors, cache_hits = u.cache_hits + excluded.cache_hits,
      tokens_input = u.tokens_input + excluded.tokens_input, tokens_output = u.tokens_output + excluded.tokens_output,
      tokens_total = u.tokens_total + excluded.tokens_total, cost_nano_usd = u.cost_nano_usd + excluded.cost_nano_usd,
      latency_ms_sum = u.latency_ms_sum + excluded.latency_ms_sum
  )
  SELECT before_seq + count(*) INTO last_seq FROM stored;
  UPDATE org_counters SET seq = last_seq, recorded_at = stated_at WHERE org_id = tenant AND seq <> last_seq;
END $$;

REVOKE ALL ON FUNCTION public.record_events(text, text[], json) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.record_events(text, text[], json) TO keeptrusts_app;
