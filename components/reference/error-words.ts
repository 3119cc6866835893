import type { ErrorCode } from '@/lib/errors'

/**
 * What each error of the control plane means and what to do about it. docs/failure-modes.md carries the same sentences;
 * error-words.test.ts holds the two together.
 */
export const ERROR_WORDS: Record<ErrorCode, { cause: string; check: string }> = {
  invalid_request: {
    cause: 'A field is missing, unknown, of the wrong type or out of bounds, or the body is not a JSON object.',
    check: '`errors` names each field and what is wrong with it. Unknown fields are refused, not ignored.',
  },
  invalid_filter: {
    cause: 'The `filter` cannot be read.',
    check: 'The message names the position and what was expected there; the fields and operators are a closed list.',
  },
  invalid_cursor: {
    cause: 'The `cursor` was not made by this list.',
    check: 'Pass `next_cursor` of the page before unchanged, to the same endpoint.',
  },
  unauthenticated: {
    cause: 'The browser sent no session.',
    check:
      'Sign in. Programs send an access key as a bearer token to `/v1` instead of using the routes of the console.',
  },
  token_invalid: {
    cause: 'There is no bearer token, it is malformed, unknown, or a gateway key where an access key belongs.',
    check: 'Is it a complete `kt_ak_...` key of this installation? Was it cut off when it was copied?',
  },
  token_expired: {
    cause: 'The key has passed its `expires_at`.',
    check: 'Create another one; an expired key stays expired. `expiring` keys are listed a week before.',
  },
  token_revoked: {
    cause: 'The key was revoked.',
    check: 'The activity log says by whom and when. A revoked key stays revoked: create another one.',
  },
  token_rotated_out: {
    cause: 'The secret was replaced by a rotation whose grace has ended.',
    check: 'Deploy the new secret. While a grace runs, `previous_secret` shows who still uses the old one.',
  },
  session_expired: {
    cause: 'The session was idle too long, reached its absolute end, was revoked, or its member was disabled.',
    check: 'Sign in again. The lifetimes are in the security settings.',
  },
  sign_in_failed: {
    cause: 'E-mail address or password is not right, the member is disabled, or the ID token does not hold.',
    check: 'The answer never says which. For OpenID: is the issuer exact, the e-mail verified, the clock right?',
  },
  forbidden: {
    cause: 'The caller lacks the permission that the message names, or asks for more than it may give.',
    check: '`GET /v1/whoami` lists what the caller may do. A key never allows more than its creator may do now.',
  },
  cross_site_request: {
    cause: 'A route of the console was called from another site.',
    check: 'Is `KEEPTRUSTS_PUBLIC_URL` what the browser calls the console? Programs use `/v1` with an access key.',
  },
  not_found: {
    cause: 'There is no such object, it belongs to somebody else, or there is nothing at this path.',
    check: 'Is the id complete, and of this organisation? What a caller may not see looks like what does not exist.',
  },
  method_not_allowed: {
    cause: 'The path exists, but not with this method.',
    check: 'The message names the methods that it takes.',
  },
  request_timeout: {
    cause: 'The request did not arrive whole within 60 s, its headers within 10 s.',
    check: 'A slow or broken connection, or a client that announces more than it sends.',
  },
  conflict: {
    cause:
      'The change does not fit the present state, such as a rotation of a revoked key, or an allocation of more than a wallet has.',
    check: 'Read the object again and decide anew.',
  },
  legal_hold: {
    cause: 'A legal hold covers what was to be erased.',
    check: 'The message names the hold. Whoever may release it decides; `GET /v1/holds` lists all that stand.',
  },
  payload_modified: {
    cause: 'The kept content of an event is missing or is not what the event was recorded with.',
    check:
      'The log of the control plane names event and part. Verify the trail, and compare with a backup of the object store.',
  },
  name_taken: {
    cause: 'Another live key, configuration, member, team or budget has this name or address.',
    check: 'Choose another name, or revoke the key that has it: names are unique among live keys.',
  },
  idempotency_key_in_use: {
    cause: 'A request with the same `Idempotency-Key` is still running.',
    check: 'Wait and repeat the same request.',
  },
  precondition_failed: {
    cause: 'Somebody saved a newer version after the one that the writer has seen.',
    check: 'Read the newest version, merge, and save again with its number in `expected_latest_version`.',
  },
  body_too_large: {
    cause: 'The body is larger than the endpoint allows: 1 MiB unless stated.',
    check: 'Send less at once; batches of events may have 32 MiB and 1,000 events, invoices 32 MiB.',
  },
  uri_too_long: {
    cause: 'The URL has more than 8,192 characters.',
    check: 'Shorten the filter; a term takes several values separated by commas.',
  },
  unsupported_media_type: {
    cause: 'The body is not declared as JSON.',
    check: 'Send `Content-Type: application/json`.',
  },
  unprocessable: {
    cause: 'The request is well-formed, but the security settings or the objects it names do not allow it.',
    check: 'The message says what stands against it, such as the longest lifetime of a key.',
  },
  invalid_configuration: {
    cause: 'The policy-config.yaml has errors.',
    check: '`errors` gives line, column and code of each; `kt config lint` finds the same offline.',
  },
  idempotency_key_reused: {
    cause: 'The `Idempotency-Key` came before with another input.',
    check: 'Use a new key for a new request.',
  },
  rate_limited: {
    cause: 'Too many failed sign-ins from this address or for this e-mail address.',
    check: 'Wait for the seconds in `Retry-After`.',
  },
  headers_too_large: {
    cause: 'The headers, with the address, have more than 16 KiB.',
    check: 'Cookies or metadata that a client or a proxy adds.',
  },
  internal: {
    cause: 'A mistake of ours. Nothing was changed.',
    check: 'Look for the `request_id` in the log of the control plane and report it.',
  },
  upstream_failed: {
    cause: 'The OpenID provider cannot be reached or gave no usable answer.',
    check: 'Can the control plane reach `KEEPTRUSTS_OIDC_ISSUER`, and does it name itself exactly so?',
  },
  unavailable: {
    cause:
      'The database cannot be reached, is overloaded or has no room, or the control plane is starting. Nothing was changed, unless the connection broke while the change was being confirmed.',
    check:
      'Repeat after `Retry-After`; with the same `Idempotency-Key` nothing is done twice. `/readyz` says when it serves again; see the log of the database.',
  },
  upstream_timeout: {
    cause: 'The control plane did not answer the console within 30 s.',
    check: 'Look at the load of the database, and at `KEEPTRUSTS_API_URL` when the control plane runs elsewhere.',
  },
}
