CREATE TABLE "limit_leases" (
	"org_id" text NOT NULL,
	"name" text NOT NULL,
	"holder" text NOT NULL,
	"window_ms" integer NOT NULL,
	"window_start_ms" bigint NOT NULL,
	"ends_at" timestamp (6) with time zone NOT NULL,
	"window_limit" bigint NOT NULL,
	"granted" bigint NOT NULL,
	"last_granted" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "limit_leases_org_id_name_holder_window_ms_window_start_ms_pk" PRIMARY KEY("org_id","name","holder","window_ms","window_start_ms"),
	CONSTRAINT "limit_leases_within_limit" CHECK ("limit_leases"."granted" >= 0 AND "limit_leases"."granted" <= "limit_leases"."window_limit")
);
--> statement-breakpoint
CREATE INDEX "limit_leases_by_end" ON "limit_leases" USING btree ("org_id","ends_at");