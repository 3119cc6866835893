/** Before its sound a file says little else, such as who recorded it. */
const CHUNKS_MAX = 16
/** PCM, floating point, A-law, mu-law: so many bits for each sample, whatever is to be heard. */
const PLAIN_FORMATS: ReadonlySet<number> = new Set([1, 3, 6, 7])
/** The format stands further behind, where there is more to say than fits here. */
const EXTENSIBLE = 0xfffe
/** Two channels of 16 bits, 48,000 times a second. What says more is taken for this: so it is taken for longer, not for shorter. */
const BYTES_PER_SECOND_MAX = 192_000
const BITS_MAX = 64

/**
 * How many bytes of a WAV file make a second, as its header says (RIFF; `fmt ` as of Microsoft's WAVEFORMATEX). Whoever sent
 * the file wrote the header, so it is believed only where nothing in it says otherwise: uncompressed, stated once and before
 * the sound, its rate the product of what it is made of. Programs that decode sound go by the same product, so what they hear
 * is as long as this says, however far that is from what was recorded. One that looks for compressed sound behind a header
 * that calls it plain, as FFmpeg does, may hear more.
 *
 * @param file and nothing before it
 * @returns null for what is no such file
 */
export function waveBytesPerSecond(file: Buffer): number | null {
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') return null
  let rate: number | null = null
  let at = 12
  for (let count = 0; count < CHUNKS_MAX && at + 8 <= file.length; count += 1) {
    const name = file.toString('latin1', at, at + 4)
    if (name === 'data') return rate
    const length = file.readUInt32LE(at + 4)
    if (name === 'fmt ') {
      if (rate !== null) return null // programs differ in which of two they take
      rate = rateOf(file.subarray(at + 8, at + 8 + length))
      if (rate === null) return null
    }
    if (length % 2 !== 0) return null // what follows begins one byte later, or it does not
    at += 8 + length
  }
  return null
}

function rateOf(format: Buffer): number | null {
  if (format.length < 16) return null
  const kind = format.readUInt16LE(0)
  const isExtended = kind === EXTENSIBLE && format.length >= 40
  if (!PLAIN_FORMATS.has(isExtended ? format.readUInt16LE(24) : kind)) return null
  const channels = format.readUInt16LE(2)
  const perSecond = format.readUInt32LE(4)
  const said = format.readUInt32LE(8)
  const blockBytes = format.readUInt16LE(12)
  const bits = format.readUInt16LE(14)
  const isWhole = bits % 8 === 0 && bits <= BITS_MAX && blockBytes === (channels * bits) / 8
  return isWhole && said === perSecond * blockBytes && said > 0 ? Math.min(said, BYTES_PER_SECOND_MAX) : null
}
