/** Words for the codes that sign-in ends with: ours, and those of next-auth. */
const WORDS: Record<string, string> = {
  sign_in_failed: 'E-mail address and password do not match an account here.',
  CredentialsSignin: 'E-mail address and password do not match an account here.',
  session_expired: 'Your session has ended. Sign in to go on.',
  unauthenticated: 'Your session has ended. Sign in to go on.',
  unavailable: 'The control plane does not answer. Gateways keep serving; try again in a moment.',
  upstream_timeout: 'The control plane does not answer. Gateways keep serving; try again in a moment.',
  cross_site_request: 'The sign-in did not come from this page. Open the console at its own address and try again.',
  forbidden: 'This account may not sign in. Ask an administrator.',
  AccessDenied: 'This account may not sign in. Ask an administrator.',
  token_invalid: 'The identity provider’s answer could not be verified. Ask an administrator.',
  invalid_request: 'The identity provider’s answer could not be verified. Ask an administrator.',
  OAuthSignin: 'The identity provider cannot be reached. Try again, or sign in with a password.',
  OAuthCallback: 'The identity provider did not complete the sign-in. Try again.',
  Callback: 'The sign-in was not completed. Try again.',
}

/** @param code `rate_limited:<seconds>` or a code above; anything else gets the general words. */
export function signInErrorWords(code: string): string {
  const seconds = /^rate_limited:(\d{1,6})$/.exec(code)?.[1]
  if (seconds) return `Too many attempts. Try again in ${describeWait(Number(seconds))}.`
  return Object.hasOwn(WORDS, code)
    ? (WORDS[code] ?? '')
    : 'Sign-in did not work. Try again; if it stays, ask an administrator.'
}

/** Rounded up, so that nobody comes back too early. */
const describeWait = (seconds: number) =>
  seconds < 90 ? `${seconds} second${seconds === 1 ? '' : 's'}` : `${Math.ceil(seconds / 60)} minutes`
