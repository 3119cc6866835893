-- Applied after every migration, by the owner, in the same transaction. Idempotent, and silent when nothing changed.
-- A table that has an org_id is a tenant's: this makes sure that none is ever forgotten.

DO $$
DECLARE
  t text;
BEGIN
  FOR t IN
    SELECT c.relname
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p')
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity
               AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant'))
  LOOP
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('DROP POLICY IF EXISTS tenant ON public.%I', t);
    EXECUTE format(
      'CREATE POLICY tenant ON public.%I USING (org_id = current_setting(''app.org_id'', true)) '
      'WITH CHECK (org_id = current_setting(''app.org_id'', true))', t);
  END LOOP;
END $$;

-- Before a tenant is known, a caller sees the one row whose secret it can present, and nothing else.
DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_policy WHERE polname = 'by_secret' AND polrelid = 'public.token_secrets'::regclass) THEN
    CREATE POLICY by_secret ON public.token_secrets FOR SELECT USING (hash = current_setting('app.secret_hash', true));
  END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_policy WHERE polname = 'by_secret' AND polrelid = 'public.sessions'::regclass) THEN
    CREATE POLICY by_secret ON public.sessions FOR SELECT USING (hash = current_setting('app.secret_hash', true));
  END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_policy WHERE polname = 'by_email' AND polrelid = 'public.users'::regclass) THEN
    CREATE POLICY by_email ON public.users FOR SELECT USING (email = current_setting('app.sign_in_email', true));
  END IF;
  -- Work that no request asked for goes through the organisations one by one. Nothing but their names is seen this way.
  IF NOT EXISTS (SELECT 1 FROM pg_policy WHERE polname = 'listed' AND polrelid = 'public.organizations'::regclass) THEN
    CREATE POLICY listed ON public.organizations FOR SELECT USING (current_setting('app.all_organizations', true) = 'on');
  END IF;
  -- Work that is due for all must find out for whom.
  IF NOT EXISTS (SELECT 1 FROM pg_policy WHERE polname = 'every' AND polrelid = 'public.organizations'::regclass) THEN
    CREATE POLICY every ON public.organizations FOR SELECT USING (current_setting('app.every_organization', true) = 'on');
  END IF;
END $$;

-- The application role may do what the application does. What is a record can be added to, never changed or deleted.
DO $$
DECLARE
  t text;
BEGIN
  FOR t IN
    SELECT c.relname FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  LOOP
    IF t IN ('events', 'activity', 'payloads', 'bundles', 'configuration_versions',
             'trail_digests', 'trail_keys', 'trail_cosignatures',
             'price_catalogues', 'price_books', 'price_overrides', 'currency_rates',
             'ledger_transactions', 'ledger_entries', 'ledger_months', 'invoices') THEN
      EXECUTE format('REVOKE ALL ON public.%I FROM keeptrusts_app', t);
      EXECUTE format('GRANT SELECT, INSERT ON public.%I TO keeptrusts_app', t);
    ELSIF t = 'retirements' THEN
      -- Written by retire_events() alone (drizzle/functions.sql).
      EXECUTE format('REVOKE ALL ON public.%I FROM keeptrusts_app', t);
      EXECUTE format('GRANT SELECT ON public.%I TO keeptrusts_app', t);
    ELSIF t = 'trail_tiles' THEN
      EXECUTE format('REVOKE ALL ON public.%I FROM keeptrusts_app', t);
      EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.%I TO keeptrusts_app', t);
    ELSE
      EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO keeptrusts_app', t);
    END IF;
  END LOOP;
  -- Months are read and written through their table only.
  FOR t IN
    SELECT c.relname FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    WHERE c.relispartition AND c.relkind = 'r'
  LOOP
    EXECUTE format('REVOKE ALL ON public.%I FROM keeptrusts_app', t);
  END LOOP;
END $$;

-- What an erasure takes, and the end of a signing key's time.
GRANT UPDATE (salt, key, object_key, pack_offset, pack_length, erased_at, erased_by, erase_reason) ON public.payloads TO keeptrusts_app;
GRANT UPDATE (not_after) ON public.trail_keys TO keeptrusts_app;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO keeptrusts_app;

-- Statistics are copies of values, and stay when the values go: what an erasure takes must not be among them.
ALTER TABLE public.payloads ALTER COLUMN salt SET STATISTICS 0, ALTER COLUMN key SET STATISTICS 0;
