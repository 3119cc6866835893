/**
 * Headers as they are sent.
 *
 * @param headers flat `[name, value, ...]`
 * @returns null when one of them could be read as more than one header, or says how the message is framed
 */
export function headerLines(headers: readonly string[]): string | null {
  let lines = ''
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? ''
    const value = headers[at + 1] ?? ''
    if (!NAME.test(name) || !VALUE.test(value) || FRAMING.test(name)) return null
    lines += `${name}: ${value}\r\n`
  }
  return lines
}

const NAME = /^[A-Za-z0-9-]+$/
const VALUE = /^[\t -~]*$/
const FRAMING = /^(?:host|connection|content-length|transfer-encoding|keep-alive|upgrade|expect|te|trailer)$/i
