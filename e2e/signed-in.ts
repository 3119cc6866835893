import { type BrowserContextOptions, test as base } from '@playwright/test'
import { ADMIN } from './environment'
import { signedInState } from './installation'

type State = Extract<BrowserContextOptions['storageState'], object>

/** Tests whose browser is signed in as the administrator when they begin. */
export const test = base.extend<{ storageState: State }, { administratorState: State }>({
  administratorState: [
    async ({ playwright }, use) => use(await signedInState(playwright.request, ADMIN)),
    { scope: 'worker' },
  ],
  storageState: ({ administratorState }, use) => use(administratorState),
})

/** A browser in which nobody is signed in: inside such tests others would be, too. */
export const NOBODY: State = { cookies: [], origins: [] }
