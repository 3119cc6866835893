CREATE TABLE "budget_alerts" (
	"org_id" text NOT NULL,
	"budget_id" text NOT NULL,
	"period_starts_at" timestamp (6) with time zone NOT NULL,
	"percent" integer NOT NULL,
	"reached_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "budget_alerts_org_id_budget_id_period_starts_at_percent_pk" PRIMARY KEY("org_id","budget_id","period_starts_at","percent")
);
--> statement-breakpoint
CREATE TABLE "budget_periods" (
	"org_id" text NOT NULL,
	"budget_id" text NOT NULL,
	"starts_at" timestamp (6) with time zone NOT NULL,
	"ends_at" timestamp (6) with time zone,
	"base_nano_usd" bigint NOT NULL,
	"carried_nano_usd" bigint DEFAULT 0 NOT NULL,
	"raised_nano_usd" bigint DEFAULT 0 NOT NULL,
	"spent_nano_usd" bigint DEFAULT 0 NOT NULL,
	"leased_nano_usd" bigint DEFAULT 0 NOT NULL,
	"excess_nano_usd" bigint DEFAULT 0 NOT NULL,
	"hands_on_max_nano_usd" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "budget_periods_org_id_budget_id_starts_at_pk" PRIMARY KEY("org_id","budget_id","starts_at"),
	CONSTRAINT "budget_periods_within_limit" CHECK ("budget_periods"."spent_nano_usd" + "budget_periods"."leased_nano_usd" <= "budget_periods"."base_nano_usd" + "budget_periods"."carried_nano_usd" + "budget_periods"."raised_nano_usd" + "budget_periods"."excess_nano_usd"),
	CONSTRAINT "budget_periods_not_negative" CHECK ("budget_periods"."leased_nano_usd" >= 0 AND "budget_periods"."excess_nano_usd" >= 0 AND "budget_periods"."carried_nano_usd" >= 0 AND "budget_periods"."raised_nano_usd" >= 0)
);
--> statement-breakpoint
CREATE TABLE "budget_raises" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"budget_id" text NOT NULL,
	"period_starts_at" timestamp (6) with time zone NOT NULL,
	"amount_nano_usd" bigint NOT NULL,
	"reason" text NOT NULL,
	"approved_by" text,
	"created_at" timestamp (6) with time zone NOT NULL,
	"created_by_id" text NOT NULL,
	"created_by_name" text NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	"ended_at" timestamp (6) with time zone,
	CONSTRAINT "budget_raises_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "budgets" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"team_id" text,
	"user_id" text,
	"agent_id" text,
	"token_id" text,
	"model" text,
	"provider" text,
	"limit_nano_usd" bigint NOT NULL,
	"hard" boolean NOT NULL,
	"window" text NOT NULL,
	"time_zone" text NOT NULL,
	"anchor" text,
	"rollover" text NOT NULL,
	"rollover_cap_nano_usd" bigint,
	"thresholds" integer[] NOT NULL,
	"on_unavailable" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (6) with time zone NOT NULL,
	"created_by_id" text NOT NULL,
	"created_by_name" text NOT NULL,
	"updated_at" timestamp (6) with time zone NOT NULL,
	"deleted_at" timestamp (6) with time zone,
	CONSTRAINT "budgets_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "spend_leases" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"gateway_id" text NOT NULL,
	"instance" text NOT NULL,
	"source_id" text NOT NULL,
	"period_starts_at" timestamp (6) with time zone NOT NULL,
	"granted_nano_usd" bigint NOT NULL,
	"returned_nano_usd" bigint DEFAULT 0 NOT NULL,
	"settled_nano_usd" bigint DEFAULT 0 NOT NULL,
	"released_nano_usd" bigint DEFAULT 0 NOT NULL,
	"used_nano_usd" bigint DEFAULT 0 NOT NULL,
	"granted_at" timestamp (6) with time zone NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	"held_until" timestamp (6) with time zone NOT NULL,
	"closed_at" timestamp (6) with time zone,
	CONSTRAINT "spend_leases_org_id_id_pk" PRIMARY KEY("org_id","id"),
	CONSTRAINT "spend_leases_add_up" CHECK ("spend_leases"."returned_nano_usd" >= 0 AND "spend_leases"."settled_nano_usd" >= 0 AND "spend_leases"."released_nano_usd" >= 0 AND "spend_leases"."returned_nano_usd" + "spend_leases"."settled_nano_usd" + "spend_leases"."released_nano_usd" <= "spend_leases"."granted_nano_usd")
);
--> statement-breakpoint
CREATE TABLE "usage_dimensions_daily" (
	"org_id" text NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"dimension" text NOT NULL,
	"value" text NOT NULL,
	"events" bigint NOT NULL,
	"unpriced" bigint NOT NULL,
	"errors" bigint NOT NULL,
	"cache_hits" bigint NOT NULL,
	"tokens_input" bigint NOT NULL,
	"tokens_output" bigint NOT NULL,
	"tokens_total" bigint NOT NULL,
	"cost_nano_usd" bigint NOT NULL,
	CONSTRAINT "usage_dimensions_daily_pk" PRIMARY KEY("org_id","dimension","at","value")
);
--> statement-breakpoint
CREATE TABLE "usage_dimensions_hourly" (
	"org_id" text NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"dimension" text NOT NULL,
	"value" text NOT NULL,
	"events" bigint NOT NULL,
	"unpriced" bigint NOT NULL,
	"errors" bigint NOT NULL,
	"cache_hits" bigint NOT NULL,
	"tokens_input" bigint NOT NULL,
	"tokens_output" bigint NOT NULL,
	"tokens_total" bigint NOT NULL,
	"cost_nano_usd" bigint NOT NULL,
	CONSTRAINT "usage_dimensions_hourly_pk" PRIMARY KEY("org_id","dimension","at","value")
);
--> statement-breakpoint
ALTER TABLE "usage_hourly" NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
INSERT INTO "usage_dimensions_hourly" SELECT "org_id", "at", "dimension", "value", least(sum("events"), 4000000000000000000)::bigint, least(sum("unpriced"), 4000000000000000000)::bigint, least(sum("errors"), 4000000000000000000)::bigint, least(sum("cache_hits"), 4000000000000000000)::bigint, least(sum("tokens_input"), 4000000000000000000)::bigint, least(sum("tokens_output"), 4000000000000000000)::bigint, least(sum("tokens_total"), 4000000000000000000)::bigint, least(sum("cost_nano_usd"), 4000000000000000000)::bigint FROM "usage_hourly" CROSS JOIN LATERAL (VALUES ('team_id', "team_id"), ('provider', "provider"), ('model', "model")) AS "d" ("dimension", "value") GROUP BY 1, 2, 3, 4;
--> statement-breakpoint
ALTER TABLE "usage_hourly" FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE "usage_daily" NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
INSERT INTO "usage_dimensions_daily" SELECT "org_id", "at", "dimension", "value", least(sum("events"), 4000000000000000000)::bigint, least(sum("unpriced"), 4000000000000000000)::bigint, least(sum("errors"), 4000000000000000000)::bigint, least(sum("cache_hits"), 4000000000000000000)::bigint, least(sum("tokens_input"), 4000000000000000000)::bigint, least(sum("tokens_output"), 4000000000000000000)::bigint, least(sum("tokens_total"), 4000000000000000000)::bigint, least(sum("cost_nano_usd"), 4000000000000000000)::bigint FROM "usage_daily" CROSS JOIN LATERAL (VALUES ('team_id', "team_id"), ('provider', "provider"), ('model', "model")) AS "d" ("dimension", "value") GROUP BY 1, 2, 3, 4;
--> statement-breakpoint
ALTER TABLE "usage_daily" FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE TABLE "invoices" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"month" text NOT NULL,
	"provider" text NOT NULL,
	"format" text NOT NULL,
	"rows" integer NOT NULL,
	"invoice_nano_usd" bigint NOT NULL,
	"ours_nano_usd" bigint NOT NULL,
	"differences" jsonb NOT NULL,
	"note" text,
	"created_at" timestamp (6) with time zone NOT NULL,
	"created_by_id" text NOT NULL,
	"created_by_name" text NOT NULL,
	CONSTRAINT "invoices_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "ledger_accounts" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"kind" text NOT NULL,
	"scope" text,
	"scope_id" text,
	"balance_nano_usd" numeric(38, 0) DEFAULT 0 NOT NULL,
	"received_nano_usd" numeric(38, 0) DEFAULT 0 NOT NULL,
	"position" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ledger_accounts_org_id_id_pk" PRIMARY KEY("org_id","id"),
	CONSTRAINT "ledger_accounts_not_overdrawn" CHECK ("ledger_accounts"."kind" NOT IN ('wallet', 'held') OR "ledger_accounts"."balance_nano_usd" >= 0)
);
--> statement-breakpoint
CREATE TABLE "ledger_entries" (
	"org_id" text NOT NULL,
	"transaction_id" text NOT NULL,
	"account_id" text NOT NULL,
	"amount_nano_usd" bigint NOT NULL,
	"position" bigint,
	"balance_after_nano_usd" bigint,
	CONSTRAINT "ledger_entries_org_id_transaction_id_account_id_pk" PRIMARY KEY("org_id","transaction_id","account_id"),
	CONSTRAINT "ledger_entries_move" CHECK ("ledger_entries"."amount_nano_usd" <> 0)
);
--> statement-breakpoint
CREATE TABLE "ledger_months" (
	"org_id" text NOT NULL,
	"month" text NOT NULL,
	"starts_at" timestamp (6) with time zone NOT NULL,
	"ends_at" timestamp (6) with time zone NOT NULL,
	"closed_at" timestamp (6) with time zone NOT NULL,
	"closed_by_id" text NOT NULL,
	"closed_by_name" text NOT NULL,
	"cost_nano_usd" bigint NOT NULL,
	"transactions" bigint NOT NULL,
	"report" jsonb NOT NULL,
	"note" text,
	CONSTRAINT "ledger_months_org_id_month_pk" PRIMARY KEY("org_id","month")
);
--> statement-breakpoint
CREATE TABLE "ledger_month_sums" (
	"org_id" text NOT NULL,
	"month" text NOT NULL,
	"late_from" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"team_id" text NOT NULL,
	"token_id" text NOT NULL,
	"token_name" text NOT NULL,
	"transactions" bigint NOT NULL,
	"requests" bigint NOT NULL,
	"cost_nano_usd" numeric(38, 0) NOT NULL,
	CONSTRAINT "ledger_month_sums_pk" PRIMARY KEY("org_id","month","late_from","provider","model","team_id","token_id","token_name")
);
--> statement-breakpoint
CREATE TABLE "ledger_transactions" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"kind" text NOT NULL,
	"reference" text NOT NULL,
	"occurred_at" timestamp (6) with time zone NOT NULL,
	"posted_at" timestamp (6) with time zone NOT NULL,
	"month" text NOT NULL,
	"late_from" text,
	"event_id" text,
	"lease_id" text,
	"note" text,
	"actor_id" text,
	"actor_name" text,
	CONSTRAINT "ledger_transactions_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "spend_settings" (
	"org_id" text PRIMARY KEY NOT NULL,
	"wallets_required" boolean NOT NULL,
	"unknown_price" text NOT NULL,
	"unknown_price_nano_usd" bigint NOT NULL,
	"time_zone" text NOT NULL,
	"updated_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "repricings" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"dry_run" boolean NOT NULL,
	"since" timestamp (6) with time zone NOT NULL,
	"until" timestamp (6) with time zone NOT NULL,
	"last_seq" bigint NOT NULL,
	"book_version" text NOT NULL,
	"own_version" integer NOT NULL,
	"overrides" jsonb NOT NULL,
	"note" text,
	"state" text NOT NULL,
	"done_at" timestamp (6) with time zone,
	"done_seq" bigint,
	"events_done" bigint DEFAULT 0 NOT NULL,
	"events_total" bigint,
	"models" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"error" text,
	"created_at" timestamp (6) with time zone NOT NULL,
	"created_by_id" text NOT NULL,
	"created_by_name" text NOT NULL,
	"finished_at" timestamp (6) with time zone,
	CONSTRAINT "repricings_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE INDEX "budget_raises_by_budget" ON "budget_raises" USING btree ("org_id","budget_id","period_starts_at");--> statement-breakpoint
CREATE INDEX "budget_raises_standing" ON "budget_raises" USING btree ("org_id","expires_at") WHERE ended_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "budgets_name" ON "budgets" USING btree ("org_id","name") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "spend_leases_of_instance" ON "spend_leases" USING btree ("org_id","gateway_id","instance","source_id","period_starts_at") WHERE released_nano_usd = 0;--> statement-breakpoint
CREATE INDEX "spend_leases_standing" ON "spend_leases" USING btree ("org_id","held_until") WHERE closed_at is null;--> statement-breakpoint
CREATE INDEX "spend_leases_by_source" ON "spend_leases" USING btree ("org_id","source_id","period_starts_at") WHERE closed_at is null;--> statement-breakpoint
CREATE INDEX "invoices_by_month" ON "invoices" USING btree ("org_id","month");--> statement-breakpoint
CREATE INDEX "ledger_entries_of_wallets" ON "ledger_entries" USING btree ("org_id","account_id","position") WHERE position is not null;--> statement-breakpoint
CREATE INDEX "ledger_month_sums_by_origin" ON "ledger_month_sums" USING btree ("org_id","late_from");--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_transactions_reference" ON "ledger_transactions" USING btree ("org_id","reference") WHERE kind <> 'spend';--> statement-breakpoint
CREATE INDEX "ledger_transactions_by_month" ON "ledger_transactions" USING btree ("org_id","month","kind","id") WHERE kind <> 'spend' or late_from is not null;--> statement-breakpoint
CREATE INDEX "ledger_transactions_adjusting" ON "ledger_transactions" USING btree ("org_id","event_id") WHERE kind = 'adjust';