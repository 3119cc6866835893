/**
 * Whether a tool's name fits a glob: `*` stands for any characters, `?` for one; everything else for itself, case included.
 *
 * Takes at most `glob.length * name.length` steps: a wildcard is only ever tried again from the last star.
 */
export function globMatches(glob: string, name: string): boolean {
  let at = 0
  let inGlob = 0
  let starInGlob = -1
  let starAt = 0
  while (at < name.length) {
    if (glob[inGlob] === '*') {
      starInGlob = inGlob
      starAt = at
      inGlob += 1
    } else if (inGlob < glob.length && (glob[inGlob] === '?' || glob[inGlob] === name[at])) {
      inGlob += 1
      at += 1
    } else if (starInGlob !== -1) {
      inGlob = starInGlob + 1
      starAt += 1
      at = starAt
    } else {
      return false
    }
  }
  while (glob[inGlob] === '*') inGlob += 1
  return inGlob === glob.length
}

export const anyGlobMatches = (globs: readonly string[], name: string): boolean =>
  globs.some((glob) => globMatches(glob, name))
