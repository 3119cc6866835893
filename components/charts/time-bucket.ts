/** A stretch of time in words: `21 Nov, 10:00 – 10:24`; a second date only when it differs. */
export function bucketText(fromMs: number, toMs: number): string {
  const [from, to] = [new Date(fromMs), new Date(toMs)]
  const isSameDay = from.toDateString() === to.toDateString()
  return `${DAY.format(from)}, ${timeText(from, toMs - fromMs)} – ${isSameDay ? '' : `${DAY.format(to)}, `}${timeText(to, toMs - fromMs)}`
}

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const MINUTES = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const SECONDS = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

const timeText = (at: Date, lengthMs: number) => (lengthMs < 60_000 ? SECONDS : MINUTES).format(at)

/** What an axis says at a time, given the length of the whole axis in milliseconds. */
export function axisTimeText(atMs: number, spanMs: number): string {
  const at = new Date(atMs)
  if (spanMs > 3 * 86_400_000) return DAY.format(at)
  return spanMs < 10 * 60_000 ? SECONDS.format(at) : MINUTES.format(at)
}
