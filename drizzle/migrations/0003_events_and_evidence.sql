CREATE TABLE "event_quarantine" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"gateway_id" text NOT NULL,
	"event_id" text,
	"sent" "bytea" NOT NULL,
	"sent_sha256" text NOT NULL,
	"reason" text NOT NULL,
	"state" text NOT NULL,
	"attempts" integer DEFAULT 1 NOT NULL,
	"received_at" timestamp (6) with time zone NOT NULL,
	"resolved_at" timestamp (6) with time zone,
	"resolved_by" text,
	CONSTRAINT "event_quarantine_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "gateway_gaps" (
	"org_id" text NOT NULL,
	"gateway_id" text NOT NULL,
	"run" integer NOT NULL,
	"first_seq" bigint NOT NULL,
	"last_seq" bigint NOT NULL,
	"seen_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "gateway_gaps_org_id_gateway_id_run_first_seq_pk" PRIMARY KEY("org_id","gateway_id","run","first_seq")
);
--> statement-breakpoint
CREATE TABLE "gateway_positions" (
	"org_id" text NOT NULL,
	"gateway_id" text NOT NULL,
	"spool" integer NOT NULL,
	"run" integer NOT NULL,
	"last_seq" bigint NOT NULL,
	"missing" bigint NOT NULL,
	"updated_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "gateway_positions_org_id_gateway_id_spool_pk" PRIMARY KEY("org_id","gateway_id","spool")
);
--> statement-breakpoint
CREATE TABLE "legal_holds" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"reason" text NOT NULL,
	"since" timestamp (6) with time zone,
	"until" timestamp (6) with time zone,
	"created_at" timestamp (6) with time zone NOT NULL,
	"created_by" text NOT NULL,
	"released_at" timestamp (6) with time zone,
	"released_by" text,
	CONSTRAINT "legal_holds_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "retirements" (
	"org_id" text NOT NULL,
	"month" text NOT NULL,
	"events" bigint NOT NULL,
	"ranges" jsonb NOT NULL,
	"retired_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "retirements_org_id_month_retired_at_pk" PRIMARY KEY("org_id","month","retired_at")
);
--> statement-breakpoint
CREATE TABLE "usage_daily" (
	"org_id" text NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"team_id" text NOT NULL,
	"user_id" text NOT NULL,
	"agent_id" text NOT NULL,
	"token_id" text NOT NULL,
	"token_name" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"verdict" text NOT NULL,
	"reason_code" text NOT NULL,
	"events" bigint NOT NULL,
	"unpriced" bigint NOT NULL,
	"errors" bigint NOT NULL,
	"cache_hits" bigint NOT NULL,
	"tokens_input" bigint NOT NULL,
	"tokens_output" bigint NOT NULL,
	"tokens_total" bigint NOT NULL,
	"cost_nano_usd" bigint NOT NULL,
	"latency_ms_sum" double precision NOT NULL,
	"combo" bigint GENERATED ALWAYS AS (hashtextextended(org_id || '|' || coalesce(team_id, '') || '|' || coalesce(user_id, '') || '|' || coalesce(agent_id, '') || '|' || coalesce(token_id, '') || '|' || coalesce(token_name, '') || '|' || coalesce(provider, '') || '|' || coalesce(model, '') || '|' || verdict || '|' || reason_code, 0)) STORED,
	CONSTRAINT "usage_daily_pk" PRIMARY KEY("org_id","at","token_id","token_name","model","verdict","reason_code","provider","agent_id","team_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "usage_hourly" (
	"org_id" text NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"team_id" text NOT NULL,
	"user_id" text NOT NULL,
	"agent_id" text NOT NULL,
	"token_id" text NOT NULL,
	"token_name" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"verdict" text NOT NULL,
	"reason_code" text NOT NULL,
	"events" bigint NOT NULL,
	"unpriced" bigint NOT NULL,
	"errors" bigint NOT NULL,
	"cache_hits" bigint NOT NULL,
	"tokens_input" bigint NOT NULL,
	"tokens_output" bigint NOT NULL,
	"tokens_total" bigint NOT NULL,
	"cost_nano_usd" bigint NOT NULL,
	"latency_ms_sum" double precision NOT NULL,
	"combo" bigint GENERATED ALWAYS AS (hashtextextended(org_id || '|' || coalesce(team_id, '') || '|' || coalesce(user_id, '') || '|' || coalesce(agent_id, '') || '|' || coalesce(token_id, '') || '|' || coalesce(token_name, '') || '|' || coalesce(provider, '') || '|' || coalesce(model, '') || '|' || verdict || '|' || reason_code, 0)) STORED,
	CONSTRAINT "usage_hourly_pk" PRIMARY KEY("org_id","at","token_id","token_name","model","verdict","reason_code","provider","agent_id","team_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "usage_totals" (
	"org_id" text NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"verdict" text NOT NULL,
	"events" bigint NOT NULL,
	CONSTRAINT "usage_totals_pk" PRIMARY KEY("org_id","at","verdict")
);
--> statement-breakpoint
CREATE TABLE "export_parts" (
	"org_id" text NOT NULL,
	"export_id" text NOT NULL,
	"number" integer NOT NULL,
	"since" timestamp (6) with time zone NOT NULL,
	"until" timestamp (6) with time zone NOT NULL,
	"rows" bigint NOT NULL,
	"bytes" bigint NOT NULL,
	"cost_nano_usd" bigint NOT NULL,
	"unpriced" bigint NOT NULL,
	"seq_first" bigint,
	"seq_last" bigint,
	"sha256" text NOT NULL,
	"object_key" text NOT NULL,
	"row_groups" "bytea",
	"finished_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "export_parts_org_id_export_id_number_pk" PRIMARY KEY("org_id","export_id","number")
);
--> statement-breakpoint
CREATE TABLE "export_schedules" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"type" text NOT NULL,
	"format" text NOT NULL,
	"filter" text NOT NULL,
	"fields" jsonb,
	"purpose" text NOT NULL,
	"every" text NOT NULL,
	"hour" integer NOT NULL,
	"timezone" text NOT NULL,
	"team_id" text,
	"enabled" boolean NOT NULL,
	"next_run_at" timestamp (6) with time zone NOT NULL,
	"last_export_id" text,
	"created_at" timestamp (6) with time zone NOT NULL,
	"created_by_id" text NOT NULL,
	"created_by_name" text NOT NULL,
	CONSTRAINT "export_schedules_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "exports" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"type" text NOT NULL,
	"format" text NOT NULL,
	"filter" text NOT NULL,
	"fields" jsonb,
	"purpose" text NOT NULL,
	"since" timestamp (6) with time zone NOT NULL,
	"until" timestamp (6) with time zone NOT NULL,
	"team_id" text,
	"through_seq" bigint NOT NULL,
	"state" text NOT NULL,
	"rows_done" bigint DEFAULT 0 NOT NULL,
	"rows_total" bigint,
	"bytes" bigint DEFAULT 0 NOT NULL,
	"plan" jsonb,
	"manifest" jsonb,
	"error" text,
	"schedule_id" text,
	"created_at" timestamp (6) with time zone NOT NULL,
	"created_by_id" text NOT NULL,
	"created_by_name" text NOT NULL,
	"started_at" timestamp (6) with time zone,
	"finished_at" timestamp (6) with time zone,
	"expires_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "exports_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "trail_cosignatures" (
	"org_id" text NOT NULL,
	"tree_size" bigint NOT NULL,
	"sink_id" text NOT NULL,
	"line" text NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "trail_cosignatures_org_id_tree_size_sink_id_pk" PRIMARY KEY("org_id","tree_size","sink_id")
);
--> statement-breakpoint
CREATE TABLE "trail_digests" (
	"org_id" text NOT NULL,
	"number" bigint NOT NULL,
	"digest_id" text NOT NULL,
	"period_start" timestamp (6) with time zone NOT NULL,
	"period_end" timestamp (6) with time zone NOT NULL,
	"seq_start" bigint NOT NULL,
	"seq_end" bigint NOT NULL,
	"tree_size" bigint NOT NULL,
	"root_hash" text NOT NULL,
	"body" text NOT NULL,
	"signature" text NOT NULL,
	"kid" text NOT NULL,
	"checkpoint" text NOT NULL,
	"storage_key" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "trail_digests_org_id_number_pk" PRIMARY KEY("org_id","number")
);
--> statement-breakpoint
CREATE TABLE "trail_keys" (
	"org_id" text NOT NULL,
	"kid" text NOT NULL,
	"public_key" text NOT NULL,
	"not_before" timestamp (6) with time zone NOT NULL,
	"not_after" timestamp (6) with time zone,
	"predecessor_kid" text,
	"predecessor_signature" text,
	CONSTRAINT "trail_keys_org_id_kid_pk" PRIMARY KEY("org_id","kid")
);
--> statement-breakpoint
CREATE TABLE "trail_sinks" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"kind" text NOT NULL,
	"settings" jsonb NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"last_size" bigint DEFAULT 0 NOT NULL,
	"last_ok_at" timestamp (6) with time zone,
	"last_error" text,
	"created_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "trail_sinks_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "trail_state" (
	"org_id" text PRIMARY KEY NOT NULL,
	"integrated_size" bigint DEFAULT 0 NOT NULL,
	"alarm" text,
	"alarm_at" timestamp (6) with time zone,
	"alarm_ranges" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"accepted_ranges" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"archived_digests" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "trail_tiles" (
	"org_id" text NOT NULL,
	"level" integer NOT NULL,
	"tile_index" bigint NOT NULL,
	"width" integer NOT NULL,
	"hashes" "bytea" NOT NULL,
	CONSTRAINT "trail_tiles_org_id_level_tile_index_pk" PRIMARY KEY("org_id","level","tile_index")
);
--> statement-breakpoint
CREATE TABLE "trail_verifications" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"input" jsonb NOT NULL,
	"state" text NOT NULL,
	"records_done" bigint DEFAULT 0 NOT NULL,
	"records_total" bigint DEFAULT 0 NOT NULL,
	"result" jsonb,
	"error" text,
	"created_at" timestamp (6) with time zone NOT NULL,
	"created_by" text NOT NULL,
	"finished_at" timestamp (6) with time zone,
	CONSTRAINT "trail_verifications_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE INDEX "usage_daily_by_verdict" ON "usage_daily" USING btree ("org_id","verdict","at");
--> statement-breakpoint
CREATE INDEX "usage_daily_by_reason_code" ON "usage_daily" USING btree ("org_id","reason_code","at");
--> statement-breakpoint
CREATE INDEX "usage_daily_by_token" ON "usage_daily" USING btree ("org_id","token_id","at");
--> statement-breakpoint
CREATE INDEX "usage_daily_by_token_name" ON "usage_daily" USING btree ("org_id","token_name","at");
--> statement-breakpoint
CREATE INDEX "usage_daily_by_team" ON "usage_daily" USING btree ("org_id","team_id","at");
--> statement-breakpoint
CREATE INDEX "usage_daily_by_user" ON "usage_daily" USING btree ("org_id","user_id","at");
--> statement-breakpoint
CREATE INDEX "usage_daily_by_agent" ON "usage_daily" USING btree ("org_id","agent_id","at");
--> statement-breakpoint
CREATE INDEX "usage_daily_by_provider" ON "usage_daily" USING btree ("org_id","provider","at");
--> statement-breakpoint
CREATE INDEX "usage_daily_by_model" ON "usage_daily" USING btree ("org_id","model","at");
--> statement-breakpoint
CREATE UNIQUE INDEX "event_quarantine_once" ON "event_quarantine" USING btree ("org_id","gateway_id","sent_sha256");
--> statement-breakpoint
CREATE INDEX "event_quarantine_by_state" ON "event_quarantine" USING btree ("org_id","state","id");
--> statement-breakpoint
CREATE UNIQUE INDEX "export_schedules_name" ON "export_schedules" USING btree ("org_id","name");
--> statement-breakpoint
CREATE INDEX "exports_by_expiry" ON "exports" USING btree ("org_id","expires_at");
--> statement-breakpoint
CREATE UNIQUE INDEX "trail_digests_id" ON "trail_digests" USING btree ("org_id","digest_id");
--> statement-breakpoint
CREATE INDEX "trail_digests_by_period" ON "trail_digests" USING btree ("org_id","period_end");
--> statement-breakpoint
CREATE INDEX "trail_digests_by_size" ON "trail_digests" USING btree ("org_id","tree_size");
--> statement-breakpoint
-- Rows are moved below by an owner who may be no superuser: drizzle/security.sql forces row-level security again.
ALTER TABLE "org_counters" NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE "events" NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE "activity" NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
-- One numbering for events and activity.
ALTER TABLE "org_counters" ADD COLUMN "seq" bigint DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "org_counters" ADD COLUMN "recorded_at" timestamp (6) with time zone DEFAULT now() NOT NULL;
--> statement-breakpoint
ALTER TABLE "org_counters" DROP COLUMN "event_seq";
--> statement-breakpoint
ALTER TABLE "org_counters" DROP COLUMN "activity_seq";
--> statement-breakpoint
ALTER TABLE "security_settings" ADD COLUMN "events_retention_days" integer;
--> statement-breakpoint
ALTER TABLE "security_settings" ADD COLUMN "payloads_retention_days" integer;
--> statement-breakpoint
-- Captured content moves to the object store, which SQL cannot reach: what was captured before is not carried over.
DROP TABLE "payloads";
--> statement-breakpoint
CREATE TABLE "payloads" (
	"org_id" text NOT NULL,
	"event_id" text NOT NULL,
	"part" text NOT NULL,
	"capture" text NOT NULL,
	"commitment" text NOT NULL,
	"salt" text,
	"key" text,
	"bytes" integer NOT NULL,
	"object_key" text,
	"pack_offset" integer,
	"pack_length" integer,
	"stored_at" timestamp (6) with time zone NOT NULL,
	"erased_at" timestamp (6) with time zone,
	"erased_by" text,
	"erase_reason" text,
	CONSTRAINT "payloads_org_id_event_id_part_pk" PRIMARY KEY("org_id","event_id","part"),
	CONSTRAINT "payloads_salt_until_erased" CHECK (("payloads"."salt" is null) = ("payloads"."erased_at" is not null)),
	CONSTRAINT "payloads_key_until_erased" CHECK (("payloads"."key" is null) = ("payloads"."erased_at" is not null or "payloads"."object_key" is null)),
	CONSTRAINT "payloads_placed" CHECK (("payloads"."object_key" is null) = ("payloads"."pack_offset" is null) and ("payloads"."object_key" is null) = ("payloads"."pack_length" is null))
);
--> statement-breakpoint
CREATE INDEX "payloads_by_age" ON "payloads" USING btree ("org_id","stored_at") WHERE erased_at is null;
--> statement-breakpoint
CREATE INDEX "payloads_by_object" ON "payloads" USING btree ("org_id","object_key","erased_at") WHERE object_key is not null;
--> statement-breakpoint
CREATE INDEX "payloads_leaving" ON "payloads" USING btree ("org_id","object_key") WHERE erased_at is not null and object_key is not null;
--> statement-breakpoint
ALTER TABLE "events" RENAME TO "events_before";
--> statement-breakpoint
ALTER TABLE "events_before" RENAME CONSTRAINT "events_org_id_seq_pk" TO "events_before_pk";
--> statement-breakpoint
DROP INDEX "events_event_id";
--> statement-breakpoint
DROP INDEX "events_by_time";
--> statement-breakpoint
DROP INDEX "events_by_token";
--> statement-breakpoint
DROP INDEX "events_by_request";
--> statement-breakpoint
CREATE TABLE "events" (
	"org_id" text NOT NULL,
	"seq" bigint NOT NULL,
	"event_id" text NOT NULL,
	"line" text NOT NULL,
	"leaf_hash" bytea NOT NULL,
	"recorded_at" timestamp (6) with time zone NOT NULL,
	"occurred_at" timestamp (6) with time zone NOT NULL,
	"request_id" text NOT NULL,
	"gateway_id" text NOT NULL,
	"gateway_seq" bigint NOT NULL,
	"verdict" text NOT NULL,
	"reason_code" text NOT NULL,
	"identity" text NOT NULL,
	"token_id" text,
	"token_name" text,
	"team_id" text,
	"user_id" text,
	"agent_id" text,
	"conversation_id" text,
	"config_name" text,
	"config_version" text,
	"provider" text,
	"target_id" text,
	"model" text,
	"model_requested" text,
	"client_ip" text NOT NULL,
	"api_shape" text NOT NULL,
	"error_code" text,
	"status_code" integer NOT NULL,
	"tokens_input" bigint,
	"tokens_output" bigint,
	"tokens_total" bigint,
	"cost_nano_usd" bigint,
	"latency_ms" double precision NOT NULL,
	"stream" boolean NOT NULL,
	"cache_hit" boolean NOT NULL,
	"combo" bigint GENERATED ALWAYS AS (hashtextextended(org_id || '|' || coalesce(team_id, '') || '|' || coalesce(user_id, '') || '|' || coalesce(agent_id, '') || '|' || coalesce(token_id, '') || '|' || coalesce(token_name, '') || '|' || coalesce(provider, '') || '|' || coalesce(model, '') || '|' || verdict || '|' || reason_code, 0)) STORED,
	CONSTRAINT "events_org_id_seq_occurred_at_pk" PRIMARY KEY("org_id","seq","occurred_at"),
	CONSTRAINT "events_occurred_at_of_id" CHECK ("occurred_at" = to_timestamp(('x' || substr("event_id", 5, 12))::bit(48)::bigint / 1000.0))
) PARTITION BY RANGE ("occurred_at");
--> statement-breakpoint
-- Whatever no month was made for; drizzle/functions.sql makes the months.
CREATE TABLE "events_default" PARTITION OF "events" DEFAULT;
--> statement-breakpoint
CREATE UNIQUE INDEX "events_event_id" ON "events" USING btree ("org_id","event_id","occurred_at");
--> statement-breakpoint
CREATE INDEX "events_by_time" ON "events" USING btree ("org_id","occurred_at","seq");
--> statement-breakpoint
CREATE INDEX "events_by_combo" ON "events" USING btree ("combo","occurred_at","seq");
--> statement-breakpoint
CREATE INDEX "events_by_conversation" ON "events" USING btree ("org_id","conversation_id","occurred_at","seq") WHERE conversation_id is not null;
--> statement-breakpoint
CREATE INDEX "events_by_request" ON "events" USING btree ("org_id","request_id");
--> statement-breakpoint
ALTER TABLE "activity" RENAME TO "activity_before";
--> statement-breakpoint
ALTER TABLE "activity_before" RENAME CONSTRAINT "activity_org_id_seq_pk" TO "activity_before_pk";
--> statement-breakpoint
DROP INDEX "activity_by_target";
--> statement-breakpoint
DROP INDEX "activity_by_actor";
--> statement-breakpoint
CREATE TABLE "activity" (
	"org_id" text NOT NULL,
	"seq" bigint NOT NULL,
	"id" text NOT NULL,
	"line" text NOT NULL,
	"leaf_hash" bytea NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"actor_type" text NOT NULL,
	"actor_id" text NOT NULL,
	"actor_name" text NOT NULL,
	"action" text NOT NULL,
	"target_type" text NOT NULL,
	"target_id" text NOT NULL,
	"target_name" text,
	"before" jsonb,
	"after" jsonb,
	"source" text NOT NULL,
	"ip" text,
	"request_id" text NOT NULL,
	"outcome" text NOT NULL,
	CONSTRAINT "activity_org_id_seq_pk" PRIMARY KEY("org_id","seq")
);
--> statement-breakpoint
CREATE INDEX "activity_by_time" ON "activity" USING btree ("org_id","at","seq");
--> statement-breakpoint
CREATE INDEX "activity_by_target" ON "activity" USING btree ("org_id","target_id","seq");
--> statement-breakpoint
CREATE INDEX "activity_by_actor" ON "activity" USING btree ("org_id","actor_id","seq");
--> statement-breakpoint
-- What was recorded before gets its place in the common order: by time, activity first. Nothing of it was signed yet, so
-- no proof is broken. Lines of activity are written here for the first time; they are hashed as they stand.
CREATE TEMP TABLE "places" ON COMMIT DROP AS
SELECT org_id, kind, old_seq, row_number() OVER (PARTITION BY org_id ORDER BY at, kind, old_seq) AS seq,
       max(at) OVER (PARTITION BY org_id ORDER BY at, kind, old_seq) AS at
FROM (SELECT org_id, 'activity' AS kind, seq AS old_seq, at FROM activity_before
      UNION ALL SELECT org_id, 'event', seq, recorded_at FROM events_before) AS records;
--> statement-breakpoint
INSERT INTO "events"
SELECT e.org_id, p.seq, e.event_id, l.line, sha256('\x00'::bytea || convert_to(l.line, 'UTF8')), p.at,
       to_timestamp(('x' || substr(e.event_id, 5, 12))::bit(48)::bigint / 1000.0),
       e.request_id, e.gateway_id, e.gateway_seq, e.verdict, e.reason_code, e.identity, e.token_id, e.token_name, e.team_id,
       e.user_id, e.agent_id, e.conversation_id, e.config_name, e.config_version, e.provider, e.target_id, e.model,
       e.model_requested, e.client_ip, substring(e.line FROM '"api_shape":"([a-z_]+)"'), e.error_code, e.status_code,
       substring(e.line FROM '"tokens":\{[^}]*"input":(\d+)')::bigint,
       substring(e.line FROM '"tokens":\{[^}]*"output":(\d+)')::bigint,
       e.tokens_total, NULL, e.latency_ms, e.stream, e.line LIKE '%"cache":{%"hit":true%'
FROM events_before e
JOIN places p ON p.org_id = e.org_id AND p.kind = 'event' AND p.old_seq = e.seq
CROSS JOIN LATERAL (SELECT regexp_replace(regexp_replace(e.line, '"seq":\d+', '"seq":' || p.seq), '"recorded_at":"[^"]*"',
  '"recorded_at":"' || to_char(p.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"') AS line) AS l;
--> statement-breakpoint
INSERT INTO "activity" (org_id, seq, id, line, leaf_hash, at, actor_type, actor_id, actor_name, action, target_type, target_id,
  target_name, before, after, source, ip, request_id, outcome)
SELECT a.org_id, p.seq, a.id, l.line, sha256('\x00'::bytea || convert_to(l.line, 'UTF8')), p.at, a.actor_type, a.actor_id,
       a.actor_name, a.action, a.target_type, a.target_id, a.target_name, a.before, a.after, a.source, a.ip, a.request_id, a.outcome
FROM activity_before a
JOIN places p ON p.org_id = a.org_id AND p.kind = 'activity' AND p.old_seq = a.seq
CROSS JOIN LATERAL (SELECT jsonb_build_object('id', a.id, 'seq', p.seq, 'at', to_char(p.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'recorded_at', to_char(p.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'event_type', 'activity', 'org_id', a.org_id,
  'actor', jsonb_build_object('type', a.actor_type, 'id', a.actor_id, 'name', a.actor_name), 'action', a.action,
  'target', jsonb_build_object('type', a.target_type, 'id', a.target_id, 'name', a.target_name), 'before', a.before,
  'after', a.after, 'source', a.source, 'ip', a.ip, 'request_id', a.request_id, 'outcome', a.outcome)::text AS line) AS l;
--> statement-breakpoint
INSERT INTO "usage_hourly"
SELECT org_id, date_trunc('hour', occurred_at, 'UTC'), coalesce(team_id, ''), coalesce(user_id, ''), coalesce(agent_id, ''),
       coalesce(token_id, ''), coalesce(token_name, ''), coalesce(provider, ''), coalesce(model, ''), verdict, reason_code, count(*),
       count(*) FILTER (WHERE tokens_total IS NOT NULL AND cost_nano_usd IS NULL), count(*) FILTER (WHERE status_code >= 400),
       count(*) FILTER (WHERE cache_hit), coalesce(sum(tokens_input), 0), coalesce(sum(tokens_output), 0),
       coalesce(sum(tokens_total), 0), coalesce(sum(cost_nano_usd), 0), sum(latency_ms)
FROM events GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11;
--> statement-breakpoint
INSERT INTO "usage_totals"
SELECT org_id, at, verdict, sum(events) FROM usage_hourly GROUP BY 1, 2, 3;
--> statement-breakpoint
INSERT INTO "usage_daily"
SELECT org_id, date_trunc('day', occurred_at, 'UTC'), coalesce(team_id, ''), coalesce(user_id, ''), coalesce(agent_id, ''),
       coalesce(token_id, ''), coalesce(token_name, ''), coalesce(provider, ''), coalesce(model, ''), verdict, reason_code, count(*),
       count(*) FILTER (WHERE tokens_total IS NOT NULL AND cost_nano_usd IS NULL), count(*) FILTER (WHERE status_code >= 400),
       count(*) FILTER (WHERE cache_hit), coalesce(sum(tokens_input), 0), coalesce(sum(tokens_output), 0),
       coalesce(sum(tokens_total), 0), coalesce(sum(cost_nano_usd), 0), sum(latency_ms)
FROM events GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11;
--> statement-breakpoint
INSERT INTO "gateway_positions"
SELECT org_id, gateway_id, (gateway_seq >> 40)::integer, 1, max(gateway_seq), 0, now() FROM events GROUP BY 1, 2, 3;
--> statement-breakpoint
UPDATE "org_counters" c SET seq = last.seq, recorded_at = last.at
FROM (SELECT org_id, max(seq) AS seq, max(at) AS at FROM places GROUP BY org_id) AS last WHERE last.org_id = c.org_id;
--> statement-breakpoint
INSERT INTO "trail_state" (org_id) SELECT org_id FROM org_counters;
--> statement-breakpoint
DROP TABLE "events_before";
--> statement-breakpoint
DROP TABLE "activity_before";
