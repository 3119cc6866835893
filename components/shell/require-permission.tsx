'use client'

import { Lock } from 'lucide-react'
import type { ReactNode } from 'react'
import { type Permission, ROLES } from '@/lib/contract/permissions'
import { rolesWith } from './roles-with'
import { useCan, useWhoami } from './whoami-context'

/** A page opened without its permission says who can open it. */
export function RequirePermission({ permission, children }: { permission: Permission; children: ReactNode }) {
  const { role_id } = useWhoami()
  if (useCan(permission)) return children
  return (
    <div className="flex flex-col items-center gap-3 px-4 py-20 text-center">
      <Lock aria-hidden className="size-6 text-fg-muted" />
      <div className="max-w-md">
        <h1 className="font-semibold text-lg">Your role does not open this page</h1>
        <p className="mt-1 text-fg-muted text-sm">
          It needs the permission <code className="font-mono text-xs">{permission}</code>
          {role_id ? `, which ${ROLES[role_id]?.name ?? 'your role'} does not hold` : ''}. These roles do:{' '}
          {rolesWith(permission).join(', ')}. Ask an owner or admin.
        </p>
      </div>
    </div>
  )
}
