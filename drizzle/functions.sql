-- Applied after every migration, by the owner. Idempotent.

-- Records a batch of events in one statement of the caller, because the counter's row stays locked until the commit and
-- every round trip under that lock is time in which no other batch of the organisation can be recorded.
--
-- batch: a JSON array of rows whose line is split around the two values that are only known here: `line_head`,
-- `line_middle` and `line_tail` enclose `recorded_at` and `seq`.
-- ids: the event ids of the batch, which need no parsing.
-- Returns which event ids were recorded before (the first one recorded stands) and the last seq.
-- Runs with the rights of its caller, under row-level security.
CREATE OR REPLACE FUNCTION public.record_events(tenant text, ids text[], batch json, OUT known text[], OUT last_seq bigint)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = public, pg_temp AS $$
DECLARE
  stated_at timestamptz;
  stated text;
BEGIN
  SELECT event_seq INTO last_seq FROM org_counters WHERE org_id = tenant FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'organisation % has no counters', tenant;
  END IF;
  stated_at := greatest(clock_timestamp(), (SELECT e.recorded_at FROM events e WHERE e.org_id = tenant AND e.seq = last_seq));
  stated := to_char(stated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  -- A statement of its own: only one that begins after the lock is held sees what the holder before has stored.
  known := ARRAY(
    SELECT e.event_id FROM events e
    WHERE e.org_id = tenant AND e.event_id = ANY (ids));
  WITH fresh AS (
    SELECT r.*, last_seq + row_number() OVER () AS given_seq
    FROM json_to_recordset(batch) AS r(
      event_id text, line_head text, line_middle text, line_tail text, occurred_at timestamptz, request_id text,
      gateway_id text, gateway_seq bigint, verdict text, reason_code text, identity text, token_id text, token_name text,
      team_id text, user_id text, agent_id text, conversation_id text, config_name text, config_version text,
      provider text, target_id text, model text, model_requested text, client_ip text, error_code text,
      status_code integer, tokens_total bigint, latency_ms float8, stream boolean)
    WHERE r.event_id <> ALL (known)
  ), stored AS (
    INSERT INTO events (
      org_id, seq, event_id, line, recorded_at, occurred_at, request_id, gateway_id, gateway_seq, verdict, reason_code,
      identity, token_id, token_name, team_id, user_id, agent_id, conversation_id, config_name, config_version, provider,
      target_id, model, model_requested, client_ip, error_code, status_code, tokens_total, latency_ms, stream)
    SELECT
      tenant, given_seq, event_id, line_head || stated || line_middle || given_seq || line_tail, stated_at,
      coalesce(occurred_at, stated_at), request_id, gateway_id, gateway_seq, verdict, reason_code, identity, token_id,
      token_name, team_id, user_id, agent_id, conversation_id, config_name, config_version, provider, target_id, model,
      model_requested, client_ip, error_code, status_code, tokens_total, latency_ms, stream
    FROM fresh
    RETURNING 1
  )
  SELECT last_seq + count(*) INTO last_seq FROM stored;
  UPDATE org_counters SET event_seq = last_seq WHERE org_id = tenant AND event_seq <> last_seq;
END $$;

REVOKE ALL ON FUNCTION public.record_events(text, text[], json) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.record_events(text, text[], json) TO keeptrusts_app;
