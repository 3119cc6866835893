import type { IncomingHttpHeaders } from 'node:http'

/** What the gateway needs of a request for a model. Node's own is one; so is that of a plain connection. */
export type CallerRequest = {
  readonly url?: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly socket: { readonly remoteAddress?: string | undefined }
  /** Whoever does not listen while it is handed to him hears nothing of the body. */
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

/** What the gateway needs to answer one. */
export type CallerResponse = {
  /** Set before the head is written: whether another request may follow on this connection. */
  shouldKeepAlive: boolean
  /** The caller left, or has it all: writing does nothing any more. */
  readonly destroyed: boolean
  /** `close` has been told: the answer is with the kernel, or will never be. */
  readonly closed: boolean
  setHeader(name: string, value: string): unknown
  /** @param headers flat `[name, value, ...]`. @throws for what is no header */
  writeHead(status: number, headers: string[]): unknown
  flushHeaders(): void
  /** @returns false when the caller is slow and nothing more should be sent until `drain` */
  write(chunk: Uint8Array): boolean
  end(chunk?: Uint8Array): unknown
  end(text: string, encoding: 'latin1'): unknown
  destroy(): unknown
  on(event: 'close' | 'drain', listener: () => void): unknown
}
