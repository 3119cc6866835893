import { configurations } from '@/lib/contract/configurations'
import { asAdministrator } from './installation'

export type ConsolePage = {
  name: string
  path: () => string | Promise<string>
  /** What its main part is headed with once it is there. */
  heading: string | RegExp
}

const configurationPath = async (query: string) => {
  const { items } = await (await asAdministrator())(configurations.list, { limit: 200 })
  const starter = items.find(({ name }) => name === 'starter')
  if (!starter) throw new Error('The first start makes a configuration named starter.')
  return `/configurations/${starter.id}${query}`
}

/** Every page of the console, and every part of one that has an address. */
export const PAGES: ConsolePage[] = [
  { name: 'Overview', path: () => '/', heading: 'Overview' },
  { name: 'History', path: () => '/history', heading: 'History' },
  { name: 'Activity', path: () => '/history?view=activity', heading: 'History' },
  { name: 'History of sessions', path: () => '/history?view=sessions', heading: 'History' },
  { name: 'the quarantine', path: () => '/history?view=quarantine', heading: 'History' },
  { name: 'Notifications', path: () => '/notifications', heading: 'Notifications' },
  { name: 'Configurations', path: () => '/configurations', heading: 'Configurations' },
  { name: 'a configuration', path: () => configurationPath(''), heading: 'starter' },
  { name: 'the versions of a configuration', path: () => configurationPath('?tab=versions'), heading: 'starter' },
  { name: 'the gateways of a configuration', path: () => configurationPath('?tab=gateways'), heading: 'starter' },
  { name: 'Gateways', path: () => '/gateways', heading: 'Gateways' },
  { name: 'Usage', path: () => '/usage', heading: 'Usage' },
  { name: 'usage by model, compared', path: () => '/usage?group=model&since=7d&compare=true', heading: 'Usage' },
  { name: 'months', path: () => '/usage?view=months', heading: 'Usage' },
  {
    name: 'the report of a month',
    path: () => `/usage/months/${new Date().toISOString().slice(0, 7)}`,
    heading: /^Spend in/,
  },
  { name: 'invoices', path: () => '/usage?view=invoices', heading: 'Usage' },
  { name: 'Budgets', path: () => '/budgets', heading: 'Budgets' },
  { name: 'Wallets', path: () => '/wallets', heading: 'Wallets' },
  { name: 'the rules of spend', path: () => '/wallets?view=rules', heading: 'Wallets' },
  { name: 'Exports', path: () => '/exports', heading: 'Exports' },
  { name: 'the schedules of exports', path: () => '/exports?view=schedules', heading: 'Exports' },
  { name: 'Trail', path: () => '/trail', heading: 'Trail' },
  { name: 'verifications', path: () => '/trail?view=verify', heading: 'Trail' },
  { name: 'the checkpoint', path: () => '/trail?view=checkpoint', heading: 'Trail' },
  { name: 'the keys of the trail', path: () => '/trail?view=keys', heading: 'Trail' },
  { name: 'the sinks of the trail', path: () => '/trail?view=sinks', heading: 'Trail' },
  { name: 'Retention and holds', path: () => '/holds', heading: 'Retention and holds' },
  { name: 'what is kept', path: () => '/holds?view=kept', heading: 'Retention and holds' },
  { name: 'Access keys', path: () => '/settings/access-keys', heading: 'Access keys' },
  { name: 'Gateway keys', path: () => '/settings/gateway-keys', heading: 'Gateway keys' },
  { name: 'Teams', path: () => '/settings/teams', heading: 'Teams' },
  { name: 'Model prices', path: () => '/settings/model-prices', heading: 'Model prices' },
  { name: 'versions of own prices', path: () => '/settings/model-prices?view=versions', heading: 'Model prices' },
  { name: 'past costs', path: () => '/settings/model-prices?view=past', heading: 'Model prices' },
  { name: 'Security', path: () => '/settings/security', heading: 'Security' },
  { name: 'Organization', path: () => '/settings/organization', heading: 'Organization' },
  { name: 'Sessions', path: () => '/settings/sessions', heading: 'Your sessions' },
  { name: 'the verification of evidence', path: () => '/verify', heading: 'Verify evidence' },
  { name: 'the API reference', path: () => '/docs/api', heading: 'API reference' },
  { name: 'a page that does not exist', path: () => '/nowhere', heading: /./ },
]
