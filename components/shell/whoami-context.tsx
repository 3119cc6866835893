'use client'

import { createContext, type ReactNode, use } from 'react'
import type { Permission } from '@/lib/contract/permissions'
import type { Whoami } from '@/lib/contract/whoami'

const Context = createContext<Whoami | null>(null)

export const WhoamiProvider = ({ whoami, children }: { whoami: Whoami; children: ReactNode }) => (
  <Context value={whoami}>{children}</Context>
)

/** Who looks at the page. */
export function useWhoami(): Whoami {
  const whoami = use(Context)
  if (!whoami) throw new Error('useWhoami is for pages inside the console layout.')
  return whoami
}

/** Whether the viewer holds a permission: what a role may not do is not shown. The control plane decides anyway. */
export const useCan = (permission: Permission): boolean => useWhoami().permissions.includes(permission)
