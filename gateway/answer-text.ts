/** Longer than any line that a provider sends; one that is longer is counted in parts. */
const KEPT_MAX = 65_536
/** An answer that says its text under names of its own is taken for text to this part. */
const TEXT_SHARE = 20

/** Where answers of all shapes, and deltas of them, say what was said, thought or is to be called. */
const SAID = /"(?:content|text|delta|arguments|partial_json|thinking|reasoning|reasoning_content|refusal)": {0,9}"/g
/** OpenAI's responses repeat what their deltas said, and what they were asked. */
const REPEATS = /"type": {0,9}"response\.(?![a-z_.]*delta")/

/**
 * Counts the bytes of text in an answer as it comes, without parsing it: for the day when nobody says what it took. Escapes
 * count as they are written.
 */
export class AnswerText {
  #bytes = 0
  #text = 0
  #rest = ''

  /** Of everything that came. */
  get bytes(): number {
    return this.#bytes
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length
    // Bytes map to characters one to one.
    const data = chunk.toString('latin1')
    const end = data.lastIndexOf('\n') + 1
    if (end > 0) {
      this.#count(this.#rest + data.slice(0, end))
      this.#rest = data.slice(end)
    } else this.#rest += data
    if (this.#rest.length <= KEPT_MAX) return
    this.#count(this.#rest)
    this.#rest = ''
  }

  /** So far, in bytes; at least one for each twenty that came when none of them was recognised. */
  get textBytes(): number {
    this.#count(this.#rest)
    this.#rest = ''
    return this.#text > 0 ? this.#text : Math.ceil(this.#bytes / TEXT_SHARE)
  }

  /** Whether any text was seen. */
  get hasText(): boolean {
    return this.textBytes > 0 && this.#text > 0
  }

  #count(lines: string): void {
    if (lines.includes('"response.')) {
      for (const line of lines.split('\n')) if (!REPEATS.test(line)) this.#text += textIn(line)
    } else if (lines.includes(DELTA) && lines.includes(MESSAGE)) {
      for (const line of lines.split('\n')) this.#text += textIn(newIn(line))
    } else this.#text += textIn(lines)
  }
}

const DELTA = '"delta":'
const MESSAGE = '"message":'

/** Of a chunk that repeats the answer so far beside the piece that is new, as Perplexity's do: what is about the piece. */
function newIn(line: string): string {
  const delta = line.indexOf(DELTA)
  const message = line.indexOf(MESSAGE)
  if (delta === -1 || message === -1) return line
  return delta < message ? line.slice(delta, message) : line.slice(delta)
}

function textIn(lines: string): number {
  let bytes = 0
  SAID.lastIndex = 0
  while (SAID.test(lines)) {
    const start = SAID.lastIndex
    const end = endOfString(lines, start)
    bytes += end - start
    SAID.lastIndex = end
  }
  return bytes
}

/** Where the JSON string that begins before `start` ends, or everything does. */
function endOfString(lines: string, start: number): number {
  for (let at = lines.indexOf('"', start); at !== -1; at = lines.indexOf('"', at + 1)) {
    let slashes = 0
    while (at - slashes > start && lines[at - slashes - 1] === '\\') slashes += 1
    if (slashes % 2 === 0) return at
  }
  return lines.length
}
