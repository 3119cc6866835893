import {
  Bell,
  Building2,
  ChartColumn,
  CircleDollarSign,
  FileCog,
  FileDown,
  Fingerprint,
  History,
  KeyRound,
  LayoutDashboard,
  type LucideIcon,
  Network,
  PiggyBank,
  Scale,
  ShieldCheck,
  SquareTerminal,
  Users,
  Wallet,
} from 'lucide-react'
import type { Permission } from '@/lib/contract/permissions'

export type NavItem = { href: string; label: string; icon: LucideIcon; permission?: Permission }
type NavGroup = { label: string | null; items: NavItem[] }

/** The pages there are. An item appears for those who hold its permission. */
const NAV: NavGroup[] = [
  { label: null, items: [{ href: '/', label: 'Overview', icon: LayoutDashboard }] },
  {
    label: 'Review',
    items: [
      { href: '/history', label: 'History', icon: History, permission: 'events:read' },
      { href: '/notifications', label: 'Notifications', icon: Bell },
    ],
  },
  {
    label: 'Control',
    items: [
      { href: '/configurations', label: 'Configurations', icon: FileCog, permission: 'configurations:read' },
      { href: '/gateways', label: 'Gateways', icon: Network, permission: 'gateways:read' },
    ],
  },
  {
    label: 'Spend',
    items: [
      { href: '/usage', label: 'Usage', icon: ChartColumn, permission: 'spend:read' },
      { href: '/budgets', label: 'Budgets', icon: PiggyBank, permission: 'spend:read' },
      { href: '/wallets', label: 'Wallets', icon: Wallet, permission: 'spend:read' },
    ],
  },
  {
    label: 'Evidence',
    items: [
      { href: '/exports', label: 'Exports', icon: FileDown, permission: 'events:export' },
      { href: '/trail', label: 'Trail', icon: Fingerprint, permission: 'trail:read' },
      { href: '/holds', label: 'Retention and holds', icon: Scale, permission: 'settings:read' },
    ],
  },
  {
    label: 'Settings',
    items: [
      { href: '/settings/access-keys', label: 'Access keys', icon: SquareTerminal, permission: 'tokens:read' },
      { href: '/settings/gateway-keys', label: 'Gateway keys', icon: KeyRound, permission: 'tokens:read' },
      { href: '/settings/teams', label: 'Teams', icon: Users, permission: 'members:read' },
      { href: '/settings/model-prices', label: 'Model prices', icon: CircleDollarSign, permission: 'org:read' },
      { href: '/settings/security', label: 'Security', icon: ShieldCheck, permission: 'settings:read' },
      { href: '/settings/organization', label: 'Organization', icon: Building2, permission: 'org:read' },
    ],
  },
]

export const navFor = (permissions: readonly Permission[]): NavGroup[] =>
  NAV.map((group) => ({
    ...group,
    items: group.items.filter(({ permission }) => !permission || permissions.includes(permission)),
  })).filter((group) => group.items.length > 0)

export const isCurrent = (href: string, pathname: string) =>
  href === '/' ? pathname === '/' : pathname === href || pathname.startsWith(`${href}/`)
