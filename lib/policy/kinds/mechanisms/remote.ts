import { z } from 'zod'
import type { Ports } from '@/lib/policy/engine/policy'

export type SecretRef = { env: string } | { store: string }

/**
 * Asks a service and insists on an answer of the promised shape.
 *
 * @throws Error when the service cannot be reached, answers with a status outside 200 to 299 or with something else than
 *   promised; the message names the service and never what was sent or answered
 */
export async function ask<Shape>(
  ports: Ports,
  {
    name,
    url,
    body,
    headers = {},
    timeoutMs,
    answer,
  }: {
    name: string
    url: string
    body: unknown
    headers?: Readonly<Record<string, string>>
    timeoutMs: number
    answer: z.ZodType<Shape>
  },
): Promise<Shape> {
  const response = await ports.postJson(url, body, { headers, timeoutMs })
  if (response.status < 200 || response.status > 299) throw new Error(`${name} answered ${response.status}.`)
  const parsed = answer.safeParse(response.body)
  if (!parsed.success)
    throw new Error(`${name} answered in an unknown shape: ${z.prettifyError(parsed.error).slice(0, 200)}`)
  return parsed.data
}

/**
 * The header that carries a secret; none when none is configured.
 *
 * @throws Error when one is configured and not set: asking without it would only fail later and elsewhere
 */
export function secretHeader(
  ports: Ports,
  ref: SecretRef | undefined,
  header = 'authorization',
  prefix = 'Bearer ',
): Record<string, string> {
  if (!ref) return {}
  const secret = ports.secret(ref)
  if (secret === null) throw new Error(`The secret ${'env' in ref ? ref.env : ref.store} is not set.`)
  return { [header]: `${prefix}${secret}` }
}

/** An address with something after its path; a query stays where it is. */
export function under(endpoint: string, path: string): string {
  const url = new URL(endpoint)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  return url.href
}
