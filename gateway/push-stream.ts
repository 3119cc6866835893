import { EventSourceParserStream } from 'eventsource-parser/stream'
import { requestFor } from '@/lib/client'
import { GatewayPush, gateways } from '@/lib/contract/gateways'
import { AppError } from '@/lib/errors'
import { backoffMs, pause } from './backoff'

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
  const silence = new AbortController()
  const giveUp = () => silence.abort(new Error(`The control plane has been silent for ${silenceMsMax} ms.`))
  let watchdog = setTimeout(giveUp, silenceMsMax)
  try {
    const headers = { authorization: `Bearer ${token}` }
    const both = AbortSignal.any([signal, silence.signal])
    const response = await fetch(requestFor(gateways.stream, apiUrl, { id: gatewayId }, headers, both))
    if (!response.ok || !response.body) return await AppError.fromResponse(response)
    onOpen()
    const frames = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream({ maxBufferSize: 4_194_304 }))
    for await (const { data } of frames) {
      clearTimeout(watchdog)
      watchdog = setTimeout(giveUp, silenceMsMax)
      options.onPush(GatewayPush.parse(JSON.parse(data)))
    }
    return new Error('The control plane ended the stream.')
  } catch (cause) {
    return cause
  } finally {
    clearTimeout(watchdog)
    silence.abort()
  }
}
