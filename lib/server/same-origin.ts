import 'server-only'
import { AppError } from '@/lib/errors'
import { config } from './config'

/**
 * Refuses what another site made the browser send. Browsers state the relation in `Sec-Fetch-Site` (to https and
 * localhost); where they do not, `Origin` must be the configured public address. Pages cannot forge either.
 *
 * @throws AppError `cross_site_request`
 */
export function assertSameOrigin(headers: Headers) {
  const site = headers.get('sec-fetch-site')
  const isSame = site === null ? headers.get('origin') === config().publicUrl.origin : site === 'same-origin'
  if (!isSame) throw new AppError('cross_site_request', 'This request did not come from the console.')
}
