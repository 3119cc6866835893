-- Applied after every migration, by the owner. Idempotent.

-- Who presents a secret; the rest of the transaction is bound to their organisation. At the beginning of every request this would
-- be four statements, each planned anew. Runs with the rights of its caller: what row-level security does not show to whoever has
-- this secret (security.sql), this does not show either. Answers with no row for a secret that is nobody's.
CREATE OR REPLACE FUNCTION public.present_key(presented text) RETURNS TABLE (
  org_id text, secret_id text, secret_ends_at timestamptz, id text, name text, token_type text, purpose text, scope text,
  team_id text, role_id text, permissions text[], gateway_id text, expires_at timestamptz, revoked_at timestamptz,
  owner_id text, owner_role_id text, owner_disabled_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = public, pg_temp AS $$
DECLARE
  secret token_secrets;
BEGIN
  PERFORM set_config('app.secret_hash', presented, true);
  SELECT * INTO secret FROM token_secrets s WHERE s.hash = presented LIMIT 1;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM set_config('app.org_id', secret.org_id, true);
  RETURN QUERY
    SELECT t.org_id, secret.id, secret.ends_at, t.id, t.name, t.token_type, t.purpose, t.scope, t.team_id, t.role_id,
      t.permissions, t.gateway_id, t.expires_at, t.revoked_at, t.owner_id, u.role_id, u.disabled_at
    FROM tokens t LEFT JOIN users u ON u.org_id = t.org_id AND u.id = t.owner_id
    WHERE t.org_id = secret.org_id AND t.id = secret.token_id;
END $$;

-- The same of a session.
CREATE OR REPLACE FUNCTION public.present_session(presented text) RETURNS TABLE (
  org_id text, session_id text, last_seen_at timestamptz, absolute_expires_at timestamptz, revoked_at timestamptz,
  idle_minutes integer, id text, email text, name text, role_id text, team_id text, disabled_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = public, pg_temp AS $$
DECLARE
  tenant text;
BEGIN
  PERFORM set_config('app.secret_hash', presented, true);
  SELECT s.org_id INTO tenant FROM sessions s WHERE s.hash = presented LIMIT 1;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM set_config('app.org_id', tenant, true);
  RETURN QUERY
    SELECT s.org_id, s.id, s.last_seen_at, s.absolute_expires_at, s.revoked_at, o.session_idle_minutes, u.id, u.email, u.name,
      u.role_id, u.team_id, u.disabled_at
    FROM sessions s
    JOIN users u ON u.org_id = s.org_id AND u.id = s.user_id
    JOIN security_settings o ON o.org_id = s.org_id
    WHERE s.org_id = tenant AND s.hash = presented;
END $$;
