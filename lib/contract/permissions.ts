/** What can be allowed, as `resource:action`. Each endpoint names exactly one; nothing is allowed by default. */
export const PERMISSIONS = [
  'tokens:read',
  'tokens:write',
  'events:read',
  'events:ingest',
  'events:export',
  'events:quarantine',
  'payloads:read',
  'payloads:erase',
  'holds:write',
  'gateways:read',
  'gateways:write',
  'gateways:report',
  'configurations:read',
  'configurations:write',
  'agents:read',
  'agents:write',
  'members:read',
  'members:write',
  'org:read',
  'org:write',
  'org:billing',
  'spend:read',
  'settings:read',
  'settings:write',
  'activity:read',
  'activity:export',
  'trail:read',
  'trail:verify',
  'trail:write',
] as const
export type Permission = (typeof PERMISSIONS)[number]

const READ: Permission[] = [
  'events:read',
  'gateways:read',
  'configurations:read',
  'agents:read',
  'members:read',
  'org:read',
  'spend:read',
  'settings:read',
  'trail:read',
]

/** What only the gateway process does with a `gateway_runtime` key. Not part of any human role. */
export const GATEWAY_RUNTIME_PERMISSIONS: Permission[] = ['configurations:read', 'gateways:report', 'events:ingest']

const HUMAN = PERMISSIONS.filter((permission) => permission !== 'events:ingest' && permission !== 'gateways:report')

/** Built-in roles. A role is a set of permissions and nothing else. */
export const ROLES: Record<string, { name: string; description: string; permissions: readonly Permission[] }> = {
  role_owner: { name: 'Owner', description: 'Everything, including other owners.', permissions: HUMAN },
  role_admin: {
    name: 'Admin',
    description: 'Everything but the bill.',
    permissions: HUMAN.filter((p) => p !== 'org:billing'),
  },
  role_developer: {
    name: 'Developer',
    description: 'Keys of the organisation, agents and what the gateway recorded.',
    permissions: [...READ, 'tokens:read', 'tokens:write', 'agents:write'],
  },
  role_reviewer: {
    name: 'Security reviewer',
    description: 'Decisions with their content, activity and evidence.',
    permissions: [
      ...READ,
      'tokens:read',
      'payloads:read',
      'activity:read',
      'events:export',
      'activity:export',
      'trail:verify',
    ],
  },
  role_finance: {
    name: 'Finance',
    description: 'Spend and what it was spent on.',
    permissions: [
      'events:read',
      'org:read',
      'spend:read',
      'org:billing',
      'events:export',
      'gateways:read',
      'members:read',
    ],
  },
  role_auditor: {
    name: 'Auditor',
    description: 'Reads all records, changes nothing.',
    permissions: [...READ, 'tokens:read', 'activity:read', 'events:export', 'activity:export', 'trail:verify'],
  },
  role_viewer: { name: 'Viewer', description: 'Reads decisions and running configurations.', permissions: READ },
  role_exporter: {
    name: 'Exporter',
    description: 'Recurring exports, for automation.',
    permissions: ['events:read', 'events:export', 'activity:read', 'activity:export', 'trail:read'],
  },
  role_configurations_writer: {
    name: 'Configurations writer',
    description: 'Writes and rolls out configurations, reads what they did. For automation.',
    permissions: [
      'configurations:read',
      'configurations:write',
      'gateways:read',
      'events:read',
      'events:export',
      'org:read',
    ],
  },
}

export const ROLE_IDS = [
  'role_owner',
  'role_admin',
  'role_developer',
  'role_reviewer',
  'role_finance',
  'role_auditor',
  'role_viewer',
  'role_exporter',
  'role_configurations_writer',
] as const
export type RoleId = (typeof ROLE_IDS)[number]
