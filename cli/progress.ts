import type { Io } from './io'

const WIDTH = 30

export type Progress = {
  /** What is done and, when it is known, of how much. */
  show: (done: number, total: number | null) => void
  /** Takes the bar away. */
  end: () => void
}

/** A bar on stderr while somebody looks at it; without a terminal, nothing: stdout stays what the command answers. */
export function createProgress({ stderr }: Io, label: string, format: (amount: number) => string = String): Progress {
  if (stderr.isTTY !== true) return { show: () => undefined, end: () => undefined }
  return {
    show(done, total) {
      const share = total ? Math.min(done / total, 1) : 0
      const filled = Math.floor(share * WIDTH)
      const bar = `${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}`
      const amount = total === null ? format(done) : `${format(done)} of ${format(total)}`
      stderr.write(`\r\u001b[K${label} ${total === null ? '' : `[${bar}] ${Math.floor(share * 100)} %  `}${amount}`)
    },
    end: () => void stderr.write('\r\u001b[K'),
  }
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Bytes as people read them, in steps of a thousand: `1.5 MB`. */
export function bytesText(bytes: number): string {
  const step = Math.min(Math.max(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 0), UNITS.length - 1)
  return `${step === 0 ? bytes : (bytes / 1_000 ** step).toFixed(1)} ${UNITS[step]}`
}
