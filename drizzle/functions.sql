-- Applied after every migration, by the owner. Idempotent.

-- The milliseconds of a UUIDv7 (RFC 9562 section 5.7) in an id of ours: when an event occurred, and in which month it is.
-- Without a setting of its own, so that it is inlined: its body was bound to what it names when it was made.
CREATE OR REPLACE FUNCTION public.event_time(event_id text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_timestamp(('x' || substr(event_id, 5, 12))::bit(48)::bigint / 1000.0);

-- Lines stay as they are beside their columns: to compress one costs as much as to store it, and to read it again when the
-- record is exported or verified costs more than the disk it saves. Rollups are written over and over: room in their pages
-- keeps that away from their indexes.
ALTER TABLE public.events_default SET (toast_tuple_target = 8160);
ALTER TABLE public.usage_hourly SET (fillfactor = 70);
ALTER TABLE public.usage_daily SET (fillfactor = 70);

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
      EXECUTE format('ALTER TABLE public.%I SET (toast_tuple_target = 8160)', name);
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

-- Sums stop there instead of failing: whatever a gateway says that it has counted, nothing may keep its events from being
-- recorded.
CREATE OR REPLACE FUNCTION public.capped(amount numeric) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(least(amount, 4000000000000000000), -4000000000000000000)::bigint;
CREATE OR REPLACE FUNCTION public.capped(amount bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(least(amount, 4000000000000000000), -4000000000000000000);

-- Notes that events first_seq to last_seq of a gateway have arrived: what they pass over is a gap, and what lies in a gap
-- fills it. A number that has arrived before says that the spool began anew, as it does when its directory is lost. What
-- came late was made before the gap was seen; a minute is for clocks that differ. Of what is replayed nobody asks: -infinity.
CREATE OR REPLACE FUNCTION public.note_arrival(
  tenant text, gateway text, spool_number integer, range_first bigint, range_last bigint, made_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = public, pg_temp AS $$
DECLARE
  place gateway_positions;
  gap gateway_gaps;
  filled bigint := 0;
BEGIN
  SELECT * INTO place FROM gateway_positions p
  WHERE p.org_id = tenant AND p.gateway_id = gateway AND p.spool = spool_number;
  IF NOT FOUND THEN
    INSERT INTO gateway_positions VALUES (tenant, gateway, spool_number, 1, spool_number::bigint << 40, 0, now())
    RETURNING * INTO place;
  END IF;
  IF range_first <= place.last_seq THEN
    FOR gap IN
      DELETE FROM gateway_gaps g
      WHERE g.org_id = tenant AND g.gateway_id = gateway AND g.first_seq <= range_last AND g.last_seq >= range_first
        AND made_at <= g.seen_at + interval '1 minute'
      RETURNING *
    LOOP
      IF gap.first_seq < range_first THEN
        INSERT INTO gateway_gaps VALUES (tenant, gateway, gap.run, gap.first_seq, range_first - 1, gap.seen_at);
      END IF;
      IF gap.last_seq > range_last THEN
        INSERT INTO gateway_gaps VALUES (tenant, gateway, gap.run, range_last + 1, gap.last_seq, gap.seen_at);
      END IF;
      filled := filled + least(gap.last_seq, range_last) - greatest(gap.first_seq, range_first) + 1;
    END LOOP;
    place.missing := place.missing - filled;
    IF filled = 0 AND made_at > '-infinity' THEN
      place.run := place.run + 1;
      place.last_seq := spool_number::bigint << 40;
    END IF;
  END IF;
  IF range_first > place.last_seq + 1 THEN
    INSERT INTO gateway_gaps VALUES (tenant, gateway, place.run, place.last_seq + 1, range_first - 1, clock_timestamp());
    place.missing := place.missing + range_first - 1 - place.last_seq;
  END IF;
  UPDATE gateway_positions p
  SET run = place.run, last_seq = greatest(place.last_seq, range_last), missing = place.missing, updated_at = clock_timestamp()
  WHERE p.org_id = tenant AND p.gateway_id = gateway AND p.spool = spool_number;
END $$;

-- Records a batch of events in one call, because the counter's row stays locked until the commit and every round trip under
-- that lock is time in which no other batch of the organisation can be recorded. Runs with the rights of its caller, under
-- row-level security.
--
-- An event is one place in the arrays. `heads`, `middles` and `tails` enclose what is only known here: `recorded_at` and `seq`.
-- `rollups` are the sums of these events by hour (control-plane/events/rollups.ts), `arrivals` the ranges of their gateway_seq.
-- Answers with the last seq; or, when some of the events were recorded before, with their ids, and then nothing is done: send
-- the others alone. Lookups beforehand would cost every batch what only a repeated one needs.
DROP FUNCTION IF EXISTS public.record_events(text, text[], json);
CREATE OR REPLACE FUNCTION public.record_events(
  tenant text, ids text[], heads text[], middles text[], tails text[], occurred timestamptz[], request_ids text[],
  gateway_ids text[], gateway_seqs bigint[], verdicts text[], reason_codes text[], identities text[],
  token_ids text[], token_names text[], team_ids text[], user_ids text[], agent_ids text[], conversation_ids text[],
  config_names text[], config_versions text[], providers text[], target_ids text[], models text[],
  models_requested text[], client_ips text[], api_shapes text[], error_codes text[], status_codes integer[],
  inputs bigint[], outputs bigint[], totals bigint[], costs bigint[], latencies float8[], streams boolean[],
  from_cache boolean[], rollups json, arrivals json, OUT known text[], OUT last_seq bigint)
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
  BEGIN
    INSERT INTO events (
      org_id, seq, line, leaf_hash, recorded_at, event_id, occurred_at, request_id, gateway_id, gateway_seq, verdict,
      reason_code, identity, token_id, token_name, team_id, user_id, agent_id, conversation_id, config_name,
      config_version, provider, target_id, model, model_requested, client_ip, api_shape, error_code, status_code,
      tokens_input, tokens_output, tokens_total, cost_nano_usd, latency_ms, stream, cache_hit)
    SELECT
      tenant, given_seq, line, sha256('\x00'::bytea || convert_to(line, 'UTF8')), stated_at, event_id, occurred_at,
      request_id, gateway_id, gateway_seq, verdict, reason_code, identity, token_id, token_name, team_id, user_id,
      agent_id, conversation_id, config_name, config_version, provider, target_id, model, model_requested, client_ip,
      api_shape, error_code, status_code, tokens_input, tokens_output, tokens_total, cost_nano_usd, latency_ms,
      stream, cache_hit
    FROM (
      SELECT *, before_seq + place AS given_seq, head || stated || middle || (before_seq + place) || tail AS line
      FROM (
        SELECT
          unnest(ids) AS event_id, unnest(heads) AS head, unnest(middles) AS middle, unnest(tails) AS tail,
          unnest(occurred) AS occurred_at, unnest(request_ids) AS request_id, unnest(gateway_ids) AS gateway_id,
          unnest(gateway_seqs) AS gateway_seq, unnest(verdicts) AS verdict, unnest(reason_codes) AS reason_code,
          unnest(identities) AS identity, unnest(token_ids) AS token_id, unnest(token_names) AS token_name,
          unnest(team_ids) AS team_id, unnest(user_ids) AS user_id, unnest(agent_ids) AS agent_id,
          unnest(conversation_ids) AS conversation_id, unnest(config_names) AS config_name,
          unnest(config_versions) AS config_version, unnest(providers) AS provider, unnest(target_ids) AS target_id,
          unnest(models) AS model, unnest(models_requested) AS model_requested, unnest(client_ips) AS client_ip,
          unnest(api_shapes) AS api_shape, unnest(error_codes) AS error_code, unnest(status_codes) AS status_code,
          unnest(inputs) AS tokens_input, unnest(outputs) AS tokens_output, unnest(totals) AS tokens_total,
          unnest(costs) AS cost_nano_usd, unnest(latencies) AS latency_ms, unnest(streams) AS stream,
          unnest(from_cache) AS cache_hit, generate_subscripts(ids, 1) AS place
      ) AS sent
      OFFSET 0 -- computes a line once, although it is used twice
    ) AS lines;
  EXCEPTION WHEN unique_violation THEN
    known := ARRAY(
      SELECT sent.id FROM unnest(ids, occurred) AS sent (id, at) CROSS JOIN LATERAL (
        SELECT FROM events e WHERE e.org_id = tenant AND e.event_id = sent.id AND e.occurred_at = sent.at LIMIT 1) AS e);
    RETURN;
  END;
  last_seq := before_seq + cardinality(ids);
  UPDATE org_counters SET seq = last_seq, recorded_at = stated_at WHERE org_id = tenant;

  WITH sums AS (
    SELECT * FROM json_to_recordset(rollups) AS r(
      at timestamptz, token_id text, token_name text, model text, verdict text, reason_code text, provider text,
      agent_id text, team_id text, user_id text, events bigint, unpriced bigint, errors bigint, cache_hits bigint,
      tokens_input bigint, tokens_output bigint, tokens_total bigint, cost_nano_usd bigint, latency_ms_sum float8)
  ), hourly AS (
    INSERT INTO usage_hourly AS u (
      org_id, at, token_id, token_name, model, verdict, reason_code, provider, agent_id, team_id, user_id, events,
      unpriced, errors, cache_hits, tokens_input, tokens_output, tokens_total, cost_nano_usd, latency_ms_sum)
    SELECT tenant, at, token_id, token_name, model, verdict, reason_code, provider, agent_id, team_id, user_id, events,
      unpriced, errors, cache_hits, tokens_input, tokens_output, tokens_total, cost_nano_usd, latency_ms_sum
    FROM sums
    ORDER BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ON CONFLICT (org_id, at, token_id, token_name, model, verdict, reason_code, provider, agent_id, team_id, user_id)
    DO UPDATE SET
      events = u.events + excluded.events, unpriced = u.unpriced + excluded.unpriced,
      errors = u.errors + excluded.errors, cache_hits = u.cache_hits + excluded.cache_hits,
      tokens_input = capped(u.tokens_input) + excluded.tokens_input,
      tokens_output = capped(u.tokens_output) + excluded.tokens_output,
      tokens_total = capped(u.tokens_total) + excluded.tokens_total,
      cost_nano_usd = capped(u.cost_nano_usd) + excluded.cost_nano_usd,
      latency_ms_sum = u.latency_ms_sum + excluded.latency_ms_sum
  ), totals AS (
    INSERT INTO usage_totals AS u (org_id, at, verdict, events)
    SELECT tenant, at, verdict, sum(events) FROM sums GROUP BY 2, 3 ORDER BY 2, 3
    ON CONFLICT (org_id, at, verdict) DO UPDATE SET events = u.events + excluded.events
  )
  INSERT INTO usage_daily AS u (
    org_id, at, token_id, token_name, model, verdict, reason_code, provider, agent_id, team_id, user_id, events,
    unpriced, errors, cache_hits, tokens_input, tokens_output, tokens_total, cost_nano_usd, latency_ms_sum)
  SELECT
    tenant, date_trunc('day', at), token_id, token_name, model, verdict, reason_code, provider, agent_id, team_id,
    user_id, sum(events), sum(unpriced), sum(errors), sum(cache_hits), capped(sum(tokens_input)),
    capped(sum(tokens_output)), capped(sum(tokens_total)), capped(sum(cost_nano_usd)), sum(latency_ms_sum)
  FROM sums
  GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
  ORDER BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
  ON CONFLICT (org_id, at, token_id, token_name, model, verdict, reason_code, provider, agent_id, team_id, user_id)
  DO UPDATE SET
    events = u.events + excluded.events, unpriced = u.unpriced + excluded.unpriced,
    errors = u.errors + excluded.errors, cache_hits = u.cache_hits + excluded.cache_hits,
    tokens_input = capped(u.tokens_input) + excluded.tokens_input,
    tokens_output = capped(u.tokens_output) + excluded.tokens_output,
    tokens_total = capped(u.tokens_total) + excluded.tokens_total,
    cost_nano_usd = capped(u.cost_nano_usd) + excluded.cost_nano_usd,
    latency_ms_sum = u.latency_ms_sum + excluded.latency_ms_sum;

  PERFORM note_arrival(tenant, a.gateway_id, a.spool, a.first_seq, a.last_seq, a.made_at)
  FROM json_to_recordset(arrivals) AS a(
    gateway_id text, spool integer, first_seq bigint, last_seq bigint, made_at timestamptz);
END $$;

REVOKE ALL ON FUNCTION
  public.note_arrival(text, text, integer, bigint, bigint, timestamptz),
  public.record_events(text, text[], text[], text[], text[], timestamptz[], text[], text[], bigint[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], bigint[], bigint[], bigint[], bigint[], float8[], boolean[], boolean[], json, json)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  public.note_arrival(text, text, integer, bigint, bigint, timestamptz),
  public.record_events(text, text[], text[], text[], text[], timestamptz[], text[], text[], bigint[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], bigint[], bigint[], bigint[], bigint[], float8[], boolean[], boolean[], json, json)
TO keeptrusts_app;

-- What stands against dropping a month of events (`YYYY-MM`) now; null when nothing does. The application decides when to
-- ask; what holds is decided here, because a dropped month is gone. A month is dropped whole or not at all, so it waits
-- for the organisation that keeps it longest.
CREATE OR REPLACE FUNCTION public.event_month_obstacle(month text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  before_org text := current_setting('app.org_id', true);
  month_start timestamptz;
  month_end timestamptz;
  tenant text;
  retention integer;
  newest bigint;
  found text;
BEGIN
  IF month !~ '^[0-9]{4}-(0[1-9]|1[0-2])$' OR to_regclass('public.events_' || replace(month, '-', '_')) IS NULL THEN
    RETURN 'there is no such month';
  END IF;
  month_start := (month || '-01')::timestamptz;
  month_end := month_start + interval '1 month';
  IF month_end > now() THEN
    RETURN 'it is not over';
  END IF;
  PERFORM set_config('app.all_organizations', 'on', true);
  FOR tenant IN SELECT o.org_id FROM organizations o ORDER BY 1 LOOP
    PERFORM set_config('app.org_id', tenant, true);
    SELECT max(e.seq) INTO newest FROM events e
    WHERE e.org_id = tenant AND e.occurred_at >= month_start AND e.occurred_at < month_end;
    CONTINUE WHEN newest IS NULL;
    SELECT s.events_retention_days INTO retention FROM security_settings s WHERE s.org_id = tenant;
    IF retention IS NULL OR month_end + make_interval(days => retention) > now() THEN
      found := format('%s keeps it', tenant);
    ELSIF EXISTS (
      SELECT FROM legal_holds h WHERE h.org_id = tenant AND h.released_at IS NULL
        AND (h.since IS NULL OR h.since < month_end) AND (h.until IS NULL OR h.until > month_start)) THEN
      found := format('a legal hold of %s covers it', tenant);
    ELSIF EXISTS (SELECT FROM trail_state t WHERE t.org_id = tenant AND t.alarm IS NOT NULL) THEN
      found := format('the trail of %s is in alarm', tenant);
    ELSIF NOT EXISTS (SELECT FROM trail_digests d WHERE d.org_id = tenant AND d.seq_end >= newest)
      OR NOT EXISTS (SELECT FROM trail_state t WHERE t.org_id = tenant AND t.integrated_size >= newest) THEN
      found := format('the trail of %s has not signed all of it', tenant);
    ELSIF EXISTS (
      SELECT FROM payloads p WHERE p.org_id = tenant AND p.object_key IS NOT NULL
        AND p.event_id >= first_event_id(month_start) AND p.event_id < first_event_id(month_end)) THEN
      found := format('content of %s is still kept', tenant);
    END IF;
    EXIT WHEN found IS NOT NULL;
  END LOOP;
  PERFORM set_config('app.org_id', coalesce(before_org, ''), true);
  PERFORM set_config('app.all_organizations', 'off', true);
  RETURN found;
END $$;

-- Drops a month of events against which nothing stands, and notes for each organisation which places in its record that
-- were. Its totals stay in the rollups, its leaf hashes in the tiles of the trail. The caller appends an entry of activity
-- for each row in the same transaction. Fails, and changes nothing, when something stands against it.
--
-- ranges: `[[first,last],...]` of seq, in order, as canonical JSON (RFC 8785); ranges_sha256: its SHA-256 in hex.
CREATE OR REPLACE FUNCTION public.retire_events(month text)
RETURNS TABLE (tenant text, events bigint, first_seq bigint, last_seq bigint, ranges_sha256 text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
  before_org text := current_setting('app.org_id', true);
  name text := 'events_' || replace(month, '-', '_');
  month_start timestamptz;
  month_end timestamptz;
  obstacle text;
  org text;
  known text[];
  other text;
  ranges text;
BEGIN
  PERFORM pg_advisory_xact_lock(4117210019);
  IF month !~ '^[0-9]{4}-(0[1-9]|1[0-2])$' OR to_regclass('public.' || name) IS NULL THEN
    RAISE EXCEPTION 'month % is not dropped: there is no such month', month USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  -- From here on nothing comes into the month; it can still be read.
  EXECUTE format('LOCK TABLE public.%I IN SHARE MODE', name);
  obstacle := event_month_obstacle(month);
  IF obstacle IS NOT NULL THEN
    RAISE EXCEPTION 'month % is not dropped: %', month, obstacle USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  month_start := (month || '-01')::timestamptz;
  month_end := month_start + interval '1 month';
  PERFORM set_config('app.all_organizations', 'on', true);
  known := ARRAY(SELECT o.org_id FROM organizations o ORDER BY 1);
  FOREACH org IN ARRAY known LOOP
    PERFORM set_config('app.org_id', org, true);
    EXECUTE format($q$
      SELECT sum(last - first + 1), min(first), max(last),
        '[' || string_agg('[' || first || ',' || last || ']', ',' ORDER BY first) || ']'
      FROM (
        SELECT min(seq) AS first, max(seq) AS last
        FROM (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run FROM public.%I WHERE org_id = $1) AS numbered
        GROUP BY run) AS runs $q$, name)
    INTO events, first_seq, last_seq, ranges USING org;
    CONTINUE WHEN events IS NULL;
    tenant := org;
    ranges_sha256 := encode(sha256(convert_to(ranges, 'UTF8')), 'hex');
    INSERT INTO retirements (org_id, month, events, ranges, retired_at)
    VALUES (org, month || '-01', events, ranges::jsonb, clock_timestamp());
    DELETE FROM payloads p
    WHERE p.org_id = org AND p.event_id >= first_event_id(month_start) AND p.event_id < first_event_id(month_end);
    RETURN NEXT;
  END LOOP;
  -- Whoever records waits for a counter and then for the table. In the other order, both would wait for each other.
  FOREACH org IN ARRAY known LOOP
    PERFORM set_config('app.org_id', org, true);
    PERFORM FROM org_counters c WHERE c.org_id = org FOR UPDATE;
  END LOOP;
  -- Holds are made under the same lock: one that came in the meantime is seen now, and none can come any more.
  obstacle := event_month_obstacle(month);
  IF obstacle IS NOT NULL THEN
    RAISE EXCEPTION 'month % is not dropped: %', month, obstacle USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM set_config('app.org_id', coalesce(before_org, ''), true);
  PERFORM set_config('app.all_organizations', 'off', true);
  -- Nobody's events are dropped without their places having been noted. One look at the index for each organisation.
  EXECUTE format('ALTER TABLE public.%I NO FORCE ROW LEVEL SECURITY', name);
  EXECUTE format($q$
    WITH RECURSIVE present AS (
      (SELECT org_id FROM public.%1$I ORDER BY org_id LIMIT 1)
      UNION ALL
      SELECT (SELECT e.org_id FROM public.%1$I e WHERE e.org_id > p.org_id ORDER BY e.org_id LIMIT 1)
      FROM present p WHERE p.org_id IS NOT NULL)
    SELECT org_id FROM present WHERE org_id <> ALL ($1) LIMIT 1 $q$, name) INTO other USING known;
  IF other IS NOT NULL THEN
    RAISE EXCEPTION 'month % holds events of %, which is no organisation', month, other;
  END IF;
  EXECUTE format('DROP TABLE public.%I', name);
END $$;

-- Ids of events that occurred at this time or later are not below it, and the others are.
CREATE OR REPLACE FUNCTION public.first_event_id(at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN 'evt_' || lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0');

REVOKE ALL ON FUNCTION public.event_month_obstacle(text), public.retire_events(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.event_month_obstacle(text), public.retire_events(text) TO keeptrusts_app;

-- After retention, tiles are all that is left of the hashes of dropped events: the application adds to them and changes none.
CREATE OR REPLACE FUNCTION public.tile_only_grows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.org_id, NEW.level, NEW.tile_index) IS DISTINCT FROM (OLD.org_id, OLD.level, OLD.tile_index)
     OR substr(NEW.hashes, 1, length(OLD.hashes)) IS DISTINCT FROM OLD.hashes THEN
    RAISE EXCEPTION 'a tile of the trail only grows' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER tile_only_grows BEFORE UPDATE ON public.trail_tiles
FOR EACH ROW WHEN (current_user = 'keeptrusts_app') EXECUTE FUNCTION public.tile_only_grows();
