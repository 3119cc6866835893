CREATE TABLE "currency_rates" (
	"org_id" text NOT NULL,
	"book_version" integer NOT NULL,
	"currency" text NOT NULL,
	"effective_on" text NOT NULL,
	"usd" text NOT NULL,
	CONSTRAINT "currency_rates_org_id_book_version_currency_effective_on_pk" PRIMARY KEY("org_id","book_version","currency","effective_on")
);
--> statement-breakpoint
CREATE TABLE "price_books" (
	"org_id" text NOT NULL,
	"version" integer NOT NULL,
	"note" text,
	"changes" integer NOT NULL,
	"created_at" timestamp (6) with time zone NOT NULL,
	"created_by" text NOT NULL,
	CONSTRAINT "price_books_org_id_version_pk" PRIMARY KEY("org_id","version")
);
--> statement-breakpoint
CREATE TABLE "price_catalogues" (
	"version" text PRIMARY KEY NOT NULL,
	"content" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "price_overrides" (
	"org_id" text NOT NULL,
	"book_version" integer NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"effective_from" timestamp (6) with time zone NOT NULL,
	"currency" text NOT NULL,
	"prices" jsonb,
	"tiers" jsonb NOT NULL,
	"max_output_tokens" integer,
	CONSTRAINT "price_overrides_pk" PRIMARY KEY("org_id","book_version","provider","model","effective_from")
);
--> statement-breakpoint
CREATE INDEX "price_overrides_by_model" ON "price_overrides" USING btree ("org_id","provider","model","effective_from","book_version");