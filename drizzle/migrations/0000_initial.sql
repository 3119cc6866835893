CREATE TABLE "activity" (
	"org_id" text NOT NULL,
	"seq" bigint NOT NULL,
	"id" text NOT NULL,
	"at" timestamp (6) with time zone DEFAULT clock_timestamp() NOT NULL,
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
CREATE TABLE "bundles" (
	"org_id" text NOT NULL,
	"gateway_id" text NOT NULL,
	"generation" integer NOT NULL,
	"rollout_id" text NOT NULL,
	"configuration_id" text NOT NULL,
	"version" text NOT NULL,
	"kid" text NOT NULL,
	"payload" text NOT NULL,
	"signature" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "bundles_org_id_gateway_id_generation_pk" PRIMARY KEY("org_id","gateway_id","generation")
);
--> statement-breakpoint
CREATE TABLE "configuration_versions" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"configuration_id" text NOT NULL,
	"version" text NOT NULL,
	"yaml" text NOT NULL,
	"sha256" text NOT NULL,
	"note" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"created_by_id" text NOT NULL,
	"created_by_name" text NOT NULL,
	CONSTRAINT "configuration_versions_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "configurations" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"latest_version" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "configurations_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "events" (
	"org_id" text NOT NULL,
	"seq" bigint NOT NULL,
	"event_id" text NOT NULL,
	"line" text NOT NULL,
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
	"error_code" text,
	"status_code" integer NOT NULL,
	"tokens_total" bigint,
	"latency_ms" double precision NOT NULL,
	"stream" boolean NOT NULL,
	CONSTRAINT "events_org_id_seq_pk" PRIMARY KEY("org_id","seq")
);
--> statement-breakpoint
CREATE TABLE "payloads" (
	"org_id" text NOT NULL,
	"event_id" text NOT NULL,
	"part" text NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "payloads_org_id_event_id_part_pk" PRIMARY KEY("org_id","event_id","part")
);
--> statement-breakpoint
CREATE TABLE "gateways" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"configuration_id" text,
	"desired_version" text,
	"desired_generation" integer DEFAULT 0 NOT NULL,
	"last_seen_at" timestamp (6) with time zone,
	"poll_interval_seconds" integer DEFAULT 30 NOT NULL,
	"ready" boolean DEFAULT false NOT NULL,
	"running_version" text,
	"running_generation" integer DEFAULT 0 NOT NULL,
	"config_source" text,
	"software_version" text,
	"keys_revision" bigint DEFAULT 0 NOT NULL,
	"spool_depth" bigint DEFAULT 0 NOT NULL,
	"spool_bytes" bigint DEFAULT 0 NOT NULL,
	"requests_processed" bigint DEFAULT 0 NOT NULL,
	"overhead_p50_us" real,
	"overhead_p99_us" real,
	"clock_offset_ms" real,
	"stream_connected" boolean DEFAULT false NOT NULL,
	"last_error" jsonb,
	"models" text[] DEFAULT '{}' NOT NULL,
	"providers" text[] DEFAULT '{}' NOT NULL,
	CONSTRAINT "gateways_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"org_id" text NOT NULL,
	"actor_id" text NOT NULL,
	"endpoint" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"status" integer,
	"sealed_answer" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_org_id_actor_id_endpoint_key_pk" PRIMARY KEY("org_id","actor_id","endpoint","key")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"user_id" text NOT NULL,
	"hash" text NOT NULL,
	"method" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"last_seen_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"absolute_expires_at" timestamp (6) with time zone NOT NULL,
	"revoked_at" timestamp (6) with time zone,
	"ip" text,
	"user_agent" text,
	CONSTRAINT "sessions_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "sign_in_throttle" (
	"key" text PRIMARY KEY NOT NULL,
	"failures" integer NOT NULL,
	"window_started_at" timestamp (6) with time zone NOT NULL,
	"blocked_until" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "teams" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "teams_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "used_id_tokens" (
	"hash" text PRIMARY KEY NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "users" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"email" text NOT NULL,
	"name" text NOT NULL,
	"role_id" text NOT NULL,
	"team_id" text,
	"password_hash" text,
	"disabled_at" timestamp (6) with time zone,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"last_sign_in_at" timestamp (6) with time zone,
	CONSTRAINT "users_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"default_organization" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "org_counters" (
	"org_id" text PRIMARY KEY NOT NULL,
	"event_seq" bigint DEFAULT 0 NOT NULL,
	"activity_seq" bigint DEFAULT 0 NOT NULL,
	"keys_revision" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "organizations" (
	"org_id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "security_settings" (
	"org_id" text PRIMARY KEY NOT NULL,
	"session_idle_minutes" integer NOT NULL,
	"session_absolute_hours" integer NOT NULL,
	"key_lifetime_days_max" integer,
	"key_expiry_required" boolean NOT NULL,
	"payload_capture" text NOT NULL,
	"max_offline_key_age_seconds" integer NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "token_secrets" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"token_id" text NOT NULL,
	"hash" text NOT NULL,
	"prefix" text NOT NULL,
	"last4" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"ends_at" timestamp (6) with time zone,
	"last_used_at" timestamp (6) with time zone,
	"use_count" bigint DEFAULT 0 NOT NULL,
	"source_ips" text[] DEFAULT '{}' NOT NULL,
	CONSTRAINT "token_secrets_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"token_type" text NOT NULL,
	"purpose" text NOT NULL,
	"scope" text NOT NULL,
	"team_id" text,
	"role_id" text,
	"permissions" text[] NOT NULL,
	"allowed_models" text[],
	"allowed_providers" text[],
	"agent_id" text,
	"gateway_id" text,
	"label" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"created_by_id" text NOT NULL,
	"created_by_name" text NOT NULL,
	"expires_at" timestamp (6) with time zone,
	"revoked_at" timestamp (6) with time zone,
	"last_used_at" timestamp (6) with time zone,
	"revision" bigint NOT NULL,
	CONSTRAINT "tokens_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE INDEX "activity_by_target" ON "activity" USING btree ("org_id","target_id","seq");--> statement-breakpoint
CREATE INDEX "activity_by_actor" ON "activity" USING btree ("org_id","actor_id","seq");--> statement-breakpoint
CREATE INDEX "bundles_by_rollout" ON "bundles" USING btree ("org_id","rollout_id");--> statement-breakpoint
CREATE UNIQUE INDEX "configuration_versions_version" ON "configuration_versions" USING btree ("org_id","configuration_id","version");--> statement-breakpoint
CREATE UNIQUE INDEX "configurations_name" ON "configurations" USING btree ("org_id","name");--> statement-breakpoint
CREATE UNIQUE INDEX "events_event_id" ON "events" USING btree ("org_id","event_id");--> statement-breakpoint
CREATE INDEX "events_by_time" ON "events" USING btree ("org_id","occurred_at" DESC NULLS LAST,"seq" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "events_by_token" ON "events" USING btree ("org_id","token_id","occurred_at" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "events_by_request" ON "events" USING btree ("org_id","request_id");--> statement-breakpoint
CREATE INDEX "gateways_by_configuration" ON "gateways" USING btree ("org_id","configuration_id");--> statement-breakpoint
CREATE INDEX "idempotency_keys_by_age" ON "idempotency_keys" USING btree ("org_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "sessions_hash" ON "sessions" USING btree ("org_id","hash");--> statement-breakpoint
CREATE INDEX "sessions_by_hash" ON "sessions" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "sessions_by_user" ON "sessions" USING btree ("org_id","user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "teams_name" ON "teams" USING btree ("org_id","name");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email" ON "users" USING btree ("org_id","email");--> statement-breakpoint
CREATE INDEX "users_by_email" ON "users" USING btree ("email");--> statement-breakpoint
CREATE UNIQUE INDEX "token_secrets_hash" ON "token_secrets" USING btree ("org_id","hash");--> statement-breakpoint
CREATE INDEX "token_secrets_by_hash" ON "token_secrets" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "token_secrets_by_token" ON "token_secrets" USING btree ("org_id","token_id");--> statement-breakpoint
CREATE INDEX "tokens_by_name" ON "tokens" USING btree ("org_id","name");--> statement-breakpoint
CREATE INDEX "tokens_by_type" ON "tokens" USING btree ("org_id","token_type","id");