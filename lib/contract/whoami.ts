import { z } from 'zod'
import { endpoint } from './endpoint'
import { PERMISSIONS, ROLE_IDS } from './permissions'

export const Whoami = z.object({
  actor: z.object({ type: z.enum(['user', 'token']), id: z.string(), name: z.string(), email: z.string().nullable() }),
  organization: z.object({ id: z.string(), name: z.string() }),
  role_id: z.enum(ROLE_IDS).nullable(),
  permissions: z.array(z.enum(PERMISSIONS)),
  scope: z.enum(['org', 'team']),
  team_id: z.string().nullable(),
})
export type Whoami = z.infer<typeof Whoami>

export const whoami = {
  get: endpoint({
    name: 'whoami.get',
    method: 'GET',
    path: '/v1/whoami',
    access: 'signed_in',
    input: z.strictObject({}),
    output: Whoami,
    summary: 'Who the presented token is and what it may do',
    example: {
      input: {},
      output: {
        actor: { type: 'token', id: 'tok_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'ci-pipeline-prod', email: null },
        organization: { id: 'org_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Example' },
        role_id: null,
        permissions: ['events:read'],
        scope: 'org',
        team_id: null,
      },
    },
  }),
}
