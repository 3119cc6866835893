import { z } from 'zod'
import { endpoint } from './endpoint'
import { idOf, instant } from './fields'
import { pageInput, pageOf } from './page'
import { ROLE_IDS } from './permissions'

export const Session = z.object({
  id: idOf('ses'),
  created_at: instant,
  last_seen_at: instant,
  idle_expires_at: instant,
  absolute_expires_at: instant,
  method: z.enum(['password', 'oidc']),
  ip: z.string().nullable(),
  user_agent: z.string().nullable(),
  current: z.boolean(),
})
export type Session = z.infer<typeof Session>

/** `session_token` is for the BFF only: it goes into an encrypted HttpOnly cookie and never into a page. */
const SignedIn = z.object({
  session_token: z.string(),
  session: Session,
  user: z.object({ id: z.string(), email: z.string(), name: z.string(), role_id: z.enum(ROLE_IDS) }),
})

const EXAMPLE: Session = {
  id: 'ses_019a6f0e1c2d7000a1b2c3d4e5f60718',
  created_at: '2026-04-23T10:00:00.000Z',
  last_seen_at: '2026-04-23T10:00:00.000Z',
  idle_expires_at: '2026-04-23T10:30:00.000Z',
  absolute_expires_at: '2026-04-23T22:00:00.000Z',
  method: 'password',
  ip: '127.0.0.1',
  user_agent: null,
  current: true,
}
const SIGNED_IN = {
  session_token: 'kt_st_...',
  session: EXAMPLE,
  user: {
    id: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718',
    email: 'admin@localhost',
    name: 'Administrator',
    role_id: 'role_owner',
  },
}

export const sessions = {
  create: endpoint({
    name: 'sessions.create',
    method: 'POST',
    path: '/v1/sessions',
    access: 'public',
    status: 201,
    input: z.strictObject({ email: z.string().trim().min(1).max(254), password: z.string().min(1).max(1_024) }),
    output: SignedIn,
    summary: 'Sign in with e-mail address and password (the console, kt auth login)',
    description:
      'After five failures within 15 minutes at one e-mail address, or fifty from one network, the answer is 429 with Retry-After, RateLimit and RateLimit-Policy.',
    example: { input: { email: 'admin@localhost', password: '...' }, output: SIGNED_IN },
  }),
  createFromOidc: endpoint({
    name: 'sessions.createFromOidc',
    method: 'POST',
    path: '/v1/sessions/oidc',
    access: 'public',
    status: 201,
    input: z.strictObject({ id_token: z.string().min(1).max(16_384) }),
    output: SignedIn,
    summary: 'Exchange an ID token of the configured OpenID provider for a session',
    description:
      'Signature, issuer, audience and expiry are checked here (OpenID Connect Core 3.1.3.7); each ID token opens one session. After fifty failures from one network within 15 minutes the answer is 429.',
    example: { input: { id_token: 'eyJ...' }, output: SIGNED_IN },
  }),
  list: endpoint({
    name: 'sessions.list',
    method: 'GET',
    path: '/v1/sessions',
    access: 'signed_in',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(Session),
    summary: 'List your own live sessions',
    example: { input: {}, output: { items: [EXAMPLE], next_cursor: null } },
  }),
  revoke: endpoint({
    name: 'sessions.revoke',
    method: 'POST',
    path: '/v1/sessions/:id/revoke',
    access: 'signed_in',
    input: z.strictObject({ id: z.union([idOf('ses'), z.literal('current')]) }),
    output: z.object({ revoked: z.literal(true) }),
    summary: 'End one of your sessions; `current` signs out',
    example: { input: { id: 'current' }, output: { revoked: true } },
  }),
}
