// Order matters: Edge and Opera call themselves Chrome as well, Chrome calls itself Safari.
const BROWSERS = [
  ['Edge', /\bEdg(?:e|A|iOS)?\/(\d+)/],
  ['Opera', /\bOPR\/(\d+)/],
  ['Firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
  ['Chrome', /\b(?:Headless)?(?:Chrome|CriOS)\/(\d+)/],
  ['Safari', /\bVersion\/(\d+)[\d.]* .*Safari\//],
] as const

const SYSTEMS = [
  ['Android', /Android/],
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['Windows', /Windows/],
  ['macOS', /Mac OS X/],
  ['ChromeOS', /CrOS/],
  ['Linux', /Linux/],
] as const

/** `Firefox 151 on Linux` from a User-Agent header; what is no browser we know stays as it calls itself. */
export function clientWords(userAgent: string | null): string {
  if (!userAgent) return 'Unknown program'
  for (const [name, pattern] of BROWSERS) {
    const version = pattern.exec(userAgent)?.[1]
    if (!version) continue
    const system = SYSTEMS.find(([, known]) => known.test(userAgent))?.[0]
    return system ? `${name} ${version} on ${system}` : `${name} ${version}`
  }
  return userAgent
}
