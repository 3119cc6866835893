import { createParser } from 'eventsource-parser'
import { request } from 'undici'
import { requestFor } from '@/lib/client'
import { GatewayPush, gateways } from '@/lib/contract/gateways'
import { AppError } from '@/lib/errors'
import { backoffMs, pause } from './backoff'
import { controlPlaneHeaders } from './control-plane-headers'

export type PushStreamOptions = {
  apiUrl: string
  token: string
  gatewayId: string
  /** Without a word for this long the connection counts as dead. */
  silenceMsMax: number
  /** After each opening: what was missed while there was no stream has to be fetched. */
  onOpen: () => void
  onPush: (push: GatewayPush) => void
  /** Told once per loss, not per attempt. */
  onLoss: (cause: unknown) => void
  retryFirstMs?: number
  retryMaxMs?: number
}

/** Keeps one push stream open until the signal ends it. Never throws: a lost stream is opened again after a pause. */
export async function followPushStream(options: PushStreamOptions, signal: AbortSignal): Promise<void> {
  const { retryFirstMs = 250, retryMaxMs = 30_000 } = options
  let failures = 0
  while (!signal.aborted) {
    const cause = await followOnce(options, signal, () => {
      failures = 0
      options.onOpen()
    })
    if (signal.aborted) return
    failures += 1
    if (failures === 1) options.onLoss(cause)
    await pause(backoffMs(failures, retryFirstMs, retryMaxMs), signal)
  }
}

/** @returns why the stream ended */
async function followOnce(options: PushStreamOptions, signal: AbortSignal, onOpen: () => void): Promise<unknown> {
  const { apiUrl, token, gatewayId, silenceMsMax } = options
  const ending = new AbortController()
  const stop = () => ending.abort(signal.reason)
  signal.addEventListener('abort', stop)
  const giveUp = () => ending.abort(new Error(`The control plane has been silent for ${silenceMsMax} ms.`))
  let watchdog = setTimeout(giveUp, silenceMsMax)
  try {
    const { url, headers } = requestFor(gateways.stream, apiUrl, { id: gatewayId }, controlPlaneHeaders(token))
    // undici's own request, because the global fetch can lose the tie between a signal and an answer under way.
    const { statusCode, body } = await request(url, {
      headers: Object.fromEntries(headers),
      signal: ending.signal,
      headersTimeout: OPEN_MS_MAX,
      bodyTimeout: 0,
    })
    if (statusCode !== 200)
      return await AppError.fromResponse(new Response(await body.arrayBuffer(), { status: statusCode }))
    onOpen()
    const parser = createParser({ onEvent: ({ data }) => options.onPush(readPush(data)) })
    const decoder = new TextDecoder()
    for await (const chunk of body) {
      clearTimeout(watchdog)
      watchdog = setTimeout(giveUp, silenceMsMax)
      parser.feed(decoder.decode(chunk, { stream: true }))
    }
    return new Error('The control plane ended the stream.')
  } catch (cause) {
    return cause
  } finally {
    clearTimeout(watchdog)
    signal.removeEventListener('abort', stop)
    ending.abort()
  }
}

/** A newer control plane may have more to say than this gateway knows; what it means is then found out by asking. */
function readPush(data: string): GatewayPush {
  const said: { kind?: unknown } = JSON.parse(data)
  return isKnown(said.kind) ? GatewayPush.parse(said) : { kind: 'resync' }
}

const isKnown = (kind: unknown) => GatewayPush.options.some((option) => option.shape.kind.value === kind)

const OPEN_MS_MAX = 10_000
