/**
 * Where to go after sign-in: a path of this console, or `/` for anything that could lead elsewhere.
 * Browsers read `//host`, `/\host` and control characters as another address, so the parsed form decides.
 */
export function safeReturnTo(text: string | null | undefined): string {
  const here = 'http://console.invalid'
  if (!text?.startsWith('/') || !URL.canParse(text, here)) return '/'
  const { origin, pathname, search, hash } = new URL(text, here)
  const isElsewhere = origin !== here || pathname.startsWith('//')
  return isElsewhere || /^\/(api|sign-in|v1)(\/|$)/.test(pathname) ? '/' : pathname + search + hash
}

/** The sign-in page that leads back to `path`. `reason` is one of its error codes. */
export function signInPath(path: string, reason?: string): string {
  const query = new URLSearchParams()
  const returnTo = safeReturnTo(path)
  if (returnTo !== '/') query.set('returnTo', returnTo)
  if (reason) query.set('error', reason)
  return query.size > 0 ? `/sign-in?${query}` : '/sign-in'
}
