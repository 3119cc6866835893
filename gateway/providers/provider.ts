import type { IncomingHttpHeaders } from 'node:http'
import type { Target } from '@/lib/policy/compile'

export type UpstreamRequest = {
  target: Target
  /** One of the target's; null when it needs none. */
  secret: string | null
  /** With its query. */
  path: string
  /** Flat `[name, value, ...]`: what is peculiar to this call. */
  headers: readonly string[]
  body: Buffer
  contentType: string
  accept: string
  stream: boolean
  requestId: string
  traceparent: string
  /** The caller's `idempotency-key`, when it sent one. */
  idempotencyKey: string | null
}

/** The hand on a call under way. */
export type UpstreamCall = {
  pause(): void
  resume(): void
  abort(reason: Error): void
}

/**
 * Who listens to a call. Same names and order as undici's handlers, so that nothing has to be wrapped on the way:
 * start, response, data..., and then exactly one of end and error.
 */
export type UpstreamHandler = {
  onRequestStart(call: UpstreamCall): void
  onResponseStart(call: UpstreamCall, status: number, headers: IncomingHttpHeaders): void
  onResponseData(call: UpstreamCall, chunk: Buffer): void
  onResponseEnd(call: UpstreamCall): void
  onResponseError(call: UpstreamCall | null, error: Error): void
}

export type Provider = {
  send(request: UpstreamRequest, handler: UpstreamHandler): void
  close(): Promise<void>
}
