import type { z } from 'zod'
import type { Endpoint } from '@/lib/contract/endpoint'
import type { Actor, Context, PublicContext, RequestInfo, Services } from './context'
import type { Elsewhere, FileAnswer } from './file-answer'
import type { Written } from './written'

/** What an operation of this endpoint is given: the contract's input, parsed. */
export type Input<E extends Endpoint> = z.output<E['input']>
export type Operation<E extends Endpoint> = (ctx: Context, input: Input<E>) => Promise<z.input<E['output']> | Written>
export type PublicOperation<E extends Endpoint> = (
  ctx: PublicContext,
  input: z.output<E['input']>,
) => Promise<z.input<E['output']>>
/** A stream outlives its transaction, so it gets none; it opens one per look (control-plane/tenant.ts). */
export type StreamContext = {
  actor: Actor
  request: RequestInfo
  services: Services
  signal: AbortSignal
  lastEventId: string | null
}
export type Stream<E extends Endpoint> = AsyncGenerator<{ id?: string; data: z.input<E['output']> }>
/** What fails before the generator is there is answered with a status; afterwards it can only break the stream. */
export type StreamOperation<E extends Endpoint> = (
  ctx: StreamContext,
  input: z.output<E['input']>,
) => Stream<E> | Promise<Stream<E>>
/** Finds a file in the transaction of the request; its bytes are read after that. */
export type FileOperation<E extends Endpoint> = (ctx: Context, input: Input<E>) => Promise<FileAnswer | Elsewhere>
export type PublicFileOperation<E extends Endpoint> = (
  ctx: PublicContext,
  input: Input<E>,
) => Promise<FileAnswer | Elsewhere>

/** Gets the body as it came, and no transaction: it opens one when it knows what to write. */
export type BytesContext = Omit<Context, 'tx'>
export type BytesOperation<E extends Endpoint> = (ctx: BytesContext, body: Buffer) => Promise<z.input<E['output']>>

type OnOptions<E extends Endpoint> = {
  /** What an ETag covers, for answers that hold something that always differs, such as the time. */
  etagOf?: (answer: z.output<E['output']>) => unknown
}

export type Bound =
  | {
      kind: 'operation'
      endpoint: Endpoint
      run: Operation<Endpoint>
      etagOf: ((answer: unknown) => unknown) | undefined
    }
  | { kind: 'bytes'; endpoint: Endpoint; run: BytesOperation<Endpoint> }
  | { kind: 'public'; endpoint: Endpoint; run: PublicOperation<Endpoint> }
  | { kind: 'stream'; endpoint: Endpoint; run: StreamOperation<Endpoint> }
  | { kind: 'file'; endpoint: Endpoint; run: FileOperation<Endpoint> }
  | { kind: 'public_file'; endpoint: Endpoint; run: PublicFileOperation<Endpoint> }

/** Binds endpoints of the contract to what answers them; control-plane/app.ts mounts the result. */
export class Routes {
  readonly bound: Bound[] = []

  on<E extends Endpoint>(endpoint: E, run: Operation<E>, { etagOf }: OnOptions<E> = {}): this {
    this.bound.push({
      kind: 'operation',
      endpoint,
      run: run as Operation<Endpoint>,
      etagOf: etagOf as ((answer: unknown) => unknown) | undefined,
    })
    return this
  }

  onBytes<E extends Endpoint>(endpoint: E, run: BytesOperation<E>): this {
    this.bound.push({ kind: 'bytes', endpoint, run: run as BytesOperation<Endpoint> })
    return this
  }

  onPublic<E extends Endpoint>(endpoint: E, run: PublicOperation<E>): this {
    this.bound.push({ kind: 'public', endpoint, run: run as PublicOperation<Endpoint> })
    return this
  }

  onStream<E extends Endpoint>(endpoint: E, run: StreamOperation<E>): this {
    this.bound.push({ kind: 'stream', endpoint, run: run as StreamOperation<Endpoint> })
    return this
  }

  onFile<E extends Endpoint>(endpoint: E, run: FileOperation<E>): this {
    this.bound.push({ kind: 'file', endpoint, run: run as FileOperation<Endpoint> })
    return this
  }

  onPublicFile<E extends Endpoint>(endpoint: E, run: PublicFileOperation<E>): this {
    this.bound.push({ kind: 'public_file', endpoint, run: run as PublicFileOperation<Endpoint> })
    return this
  }
}
