import { withLinesIn } from './plain-event'

/**
 * Judges a batch with its lines in memory that is used again. Whoever asks for it releases it when none of the lines is
 * looked at any longer: it is written over then. See `withEventColumns` for why it is not left to the garbage collector.
 *
 * @param bodyBytes of the batch as it was sent
 * @param judge everything that writes lines; awaits nothing
 */
export function inLineMemory<T>(bodyBytes: number, judge: () => T): { judged: T; release: () => void } {
  const size = Math.max(SIZE_MIN, 2 ** Math.ceil(Math.log2(bodyBytes * LINES_PER_BODY)))
  const at = idle.findIndex(({ length }) => length === size)
  const memory = idle.splice(at, at === -1 ? 0 : 1)[0] ?? Buffer.allocUnsafeSlow(size)
  const release = () => {
    if (size <= SIZE_MAX && idle.length < IDLE_MAX) idle.push(memory)
  }
  return { judged: withLinesIn(memory, judge), release }
}

const idle: Buffer<ArrayBuffer>[] = []
const IDLE_MAX = 16
const SIZE_MIN = 65_536
const SIZE_MAX = 4 * 1_048_576
/** A line has its organisation, its time and its place besides. What does not fit gets memory of its own. */
const LINES_PER_BODY = 1.1
