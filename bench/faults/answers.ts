import { Agent, request } from 'undici'

type Problem = { code?: string; detail?: string; message?: string }

/** Asks the same again and again, and keeps every kind of answer with how often it came. */
export class Answers {
  readonly #counts = new Map<string, number>()
  readonly #dispatcher = new Agent({ headersTimeout: 20_000, bodyTimeout: 20_000 })
  /** Answers that are neither a success nor a 503 that says what to do. */
  readonly wrong: string[] = []

  /** @returns the status; 0 when there was no answer */
  async ask(method: 'GET' | 'POST', url: string, token: string, body?: unknown): Promise<number> {
    const path = new URL(url).pathname.replace(/[a-z]+_[0-9a-f]{32}/, ':id')
    try {
      const answer = await request(url, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
        dispatcher: this.#dispatcher,
      })
      const text = await answer.body.text()
      const { statusCode: status, headers } = answer
      if (status < 300) this.#note(`${method} ${path}: ${status}`)
      else {
        const { code, detail, message } = JSON.parse(text) as Problem
        this.#note(`${method} ${path}: ${status} ${code}, "${detail ?? message}"`)
        const isProblem = headers['content-type'] === 'application/problem+json' && headers['retry-after'] !== undefined
        if (status !== 503 || !isProblem) this.wrong.push(`${method} ${path} answered ${status}: ${text.slice(0, 300)}`)
      }
      return status
    } catch (thrown) {
      this.#note(`${method} ${path}: no answer (${thrown instanceof Error ? thrown.message : thrown})`)
      this.wrong.push(`${method} ${path} was not answered: ${thrown}`)
      return 0
    }
  }

  get lines(): string[] {
    return [...this.#counts].map(([what, count]) => `- ${count} x ${what}`)
  }

  #note(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
  }
}
