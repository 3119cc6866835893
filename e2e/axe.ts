import type { Page } from '@playwright/test'
import axe from 'axe-core'

type Narrowed = {
  /** A selector; all of the page without it. */
  within?: string
  /** All that axe knows without them. */
  rules?: string[]
}

/** What axe finds wrong in a page, one text for each element: the rule, the element, and what to do. */
export async function axeFindings(page: Page, { within, rules }: Narrowed = {}): Promise<string[]> {
  if (page.frames().length > 1) throw new Error('Axe would not look into the frames of this page.')
  // As the debugger evaluates it, so that no content security policy stands in its way.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source)
  const violations = await page.evaluate(
    async ([within, rules]) => {
      const own = (window as unknown as { axe: typeof axe }).axe
      const results = await own.run(within === undefined ? document : { include: [within] }, {
        // Selectors of every element that is as it should be take longer than the rules.
        resultTypes: ['violations'],
        ...(rules === undefined ? {} : { runOnly: { type: 'rule' as const, values: rules } }),
      })
      return results.violations
    },
    [within, rules] as const,
  )
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  )
}
