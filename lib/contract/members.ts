import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, idOf, instant } from './fields'
import { pageInput, pageOf } from './page'
import { ROLE_IDS } from './permissions'

export const Member = z.object({
  id: idOf('usr'),
  email: z.string(),
  name: z.string(),
  role_id: z.enum(ROLE_IDS),
  team_id: z.string().nullable(),
  disabled: z.boolean(),
  created_at: instant,
  last_sign_in_at: instant.nullable(),
})
export type Member = z.infer<typeof Member>

const EXAMPLE: Member = {
  id: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718',
  email: 'ana@example.com',
  name: 'Ana',
  role_id: 'role_viewer',
  team_id: null,
  disabled: false,
  created_at: '2026-04-23T10:00:00.000Z',
  last_sign_in_at: null,
}

export const members = {
  list: endpoint({
    name: 'members.list',
    method: 'GET',
    path: '/v1/members',
    access: 'members:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(Member),
    summary: 'List members',
    example: { input: {}, output: { items: [EXAMPLE], next_cursor: null } },
  }),
  create: endpoint({
    name: 'members.create',
    method: 'POST',
    path: '/v1/members',
    access: 'members:write',
    status: 201,
    idempotent: true,
    input: z.strictObject({
      email: z.email().max(254),
      name: displayName,
      role_id: z.enum(ROLE_IDS),
      password: z
        .string()
        .min(12)
        .max(1_024)
        .optional()
        .describe('Absent for members who sign in through the OpenID provider only.'),
    }),
    output: Member,
    summary: 'Add a member, with a role no wider than your own',
    example: { input: { email: 'ana@example.com', name: 'Ana', role_id: 'role_viewer' }, output: EXAMPLE },
  }),
  update: endpoint({
    name: 'members.update',
    method: 'PATCH',
    path: '/v1/members/:id',
    access: 'members:write',
    input: z.strictObject({
      id: idOf('usr'),
      name: displayName.optional(),
      role_id: z.enum(ROLE_IDS).optional(),
      disabled: z.boolean().optional(),
    }),
    output: Member,
    summary: 'Change role or name, disable or enable; acts on the next request of the member',
    example: { input: { id: EXAMPLE.id, disabled: true }, output: { ...EXAMPLE, disabled: true } },
  }),
}
