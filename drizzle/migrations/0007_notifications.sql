CREATE TABLE "notification_reads" (
	"org_id" text NOT NULL,
	"user_id" text NOT NULL,
	"until_seq" bigint NOT NULL,
	CONSTRAINT "notification_reads_org_id_user_id_pk" PRIMARY KEY("org_id","user_id")
);
--> statement-breakpoint
CREATE INDEX "activity_by_action" ON "activity" USING btree ("org_id","action","seq");