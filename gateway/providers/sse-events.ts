import { StringDecoder } from 'node:string_decoder'
import { type ProviderEvent, unreadable } from './adapter'

/** One event may hold an image that a model drew. */
const EVENT_LENGTH_MAX = 33_554_432

/** Reads the events of a stream (WHATWG server-sent events) that is going to be converted, however it is cut in chunks. */
export class SseEvents {
  readonly #utf8 = new StringDecoder('utf8')
  #rest = ''
  #event: string | null = null
  #data: string[] = []
  #length = 0
  #isFirst = true

  /** @throws ProviderFault when one event is longer than anything that is worth waiting for */
  push(bytes: Buffer): ProviderEvent[] {
    return this.#read(this.#utf8.write(bytes))
  }

  /** A last event that no empty line closed counts, because several providers end so. */
  end(): ProviderEvent[] {
    return this.#read(`${this.#utf8.end()}\n\n`)
  }

  #read(text: string): ProviderEvent[] {
    let all = this.#rest + text
    if (this.#isFirst && all !== '') {
      this.#isFirst = false
      if (all.startsWith('\ufeff')) all = all.slice(1)
    }
    const events: ProviderEvent[] = []
    let from = 0
    for (;;) {
      const end = nextLineEnd(all, from)
      if (end === null) break
      this.#line(all.slice(from, end.at), events)
      from = end.next
    }
    this.#rest = all.slice(from)
    if (this.#length + this.#rest.length > EVENT_LENGTH_MAX) throw unreadable('The provider sent an endless event.')
    return events
  }

  #line(line: string, events: ProviderEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push({ event: this.#event, data: this.#data.join('\n') })
      this.#event = null
      this.#data = []
      this.#length = 0
      return
    }
    const colon = line.indexOf(':')
    if (colon === 0) return // a comment
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    this.#length += line.length
    if (field === 'data') this.#data.push(value)
    else if (field === 'event') this.#event = value
  }
}

/** A CR at the very end may be half of a CRLF, so it is not a line end yet. */
function nextLineEnd(text: string, from: number): { at: number; next: number } | null {
  const lf = text.indexOf('\n', from)
  const cr = text.indexOf('\r', from)
  if (cr !== -1 && (lf === -1 || cr < lf)) {
    if (cr + 1 === text.length) return null
    return { at: cr, next: text[cr + 1] === '\n' ? cr + 2 : cr + 1 }
  }
  return lf === -1 ? null : { at: lf, next: lf + 1 }
}
