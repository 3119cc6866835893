import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, instant } from './fields'

export const Organization = z.object({ id: z.string(), name: z.string(), created_at: instant })
const EXAMPLE = { id: 'org_019a6f0e1c2d7000a1b2c3d4e5f60718', name: 'Example', created_at: '2026-03-01T09:00:00.000Z' }

export const organization = {
  get: endpoint({
    name: 'organization.get',
    method: 'GET',
    path: '/v1/organization',
    access: 'org:read',
    input: z.strictObject({}),
    output: Organization,
    summary: 'Read the organisation',
    example: { input: {}, output: EXAMPLE },
  }),
  update: endpoint({
    name: 'organization.update',
    method: 'PATCH',
    path: '/v1/organization',
    access: 'org:write',
    input: z.strictObject({ name: displayName }),
    output: Organization,
    summary: 'Rename the organisation',
    example: { input: { name: 'Example' }, output: EXAMPLE },
  }),
}
