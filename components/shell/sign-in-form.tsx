'use client'

import { type FormEvent, useEffect, useRef, useState } from 'react'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { authPost, textField } from './auth-post'
import { signInErrorWords } from './sign-in-error'

type SignInFormProps = { returnTo: string; error: string | undefined; oidcName: string | undefined }

/** Where next-auth points when it has failed. */
const ERROR_PAGES = ['/sign-in', '/api/auth/error']

/** Two fields need no form library, and this page is the one that everybody waits for. */
export function SignInForm({ returnTo, error, oidcName }: SignInFormProps) {
  const [problem, setProblem] = useState(error)
  const [missing, setMissing] = useState({ email: false, password: false })
  const [isSubmitting, setIsSubmitting] = useState(false)
  const email = useRef<HTMLInputElement>(null)
  const password = useRef<HTMLInputElement>(null)
  // The focus of the document: there is nothing else to do on this page.
  useEffect(() => {
    if (document.activeElement === document.body) email.current?.focus()
  }, [])

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (isSubmitting || !email.current || !password.current) return
    const given = { email: email.current.value.trim(), password: password.current.value }
    setMissing({ email: given.email === '', password: given.password === '' })
    if (given.email === '') return email.current.focus()
    if (given.password === '') return password.current.focus()
    setProblem(undefined)
    setIsSubmitting(true)
    const failure = await start('callback/password', { ...given, callbackUrl: '/' })
    if (failure === null) return window.location.assign(returnTo)
    setIsSubmitting(false)
    password.current.value = ''
    password.current.focus()
    setProblem(failure)
  }
  const withOidc = async () => {
    setProblem(undefined)
    const failure = await start('signin/oidc', { callbackUrl: returnTo }, (url) => window.location.assign(url))
    if (failure) setProblem(failure)
  }

  return (
    <div className="flex flex-col gap-4">
      <form className="flex flex-col gap-4" onSubmit={(event) => void submit(event)} noValidate>
        {problem && (
          <Callout tone={problem === 'session_expired' ? 'info' : 'danger'} role="alert">
            {signInErrorWords(problem)}
          </Callout>
        )}
        <Field id="email" label="E-mail address" error={missing.email ? 'Enter your e-mail address.' : undefined}>
          <Input
            {...describedBy('email', missing.email)}
            type="email"
            autoComplete="username"
            autoCapitalize="none"
            className="h-9"
            ref={email}
            name="email"
            maxLength={254}
            onChange={() => setMissing((now) => ({ ...now, email: false }))}
          />
        </Field>
        <Field id="password" label="Password" error={missing.password ? 'Enter your password.' : undefined}>
          <Input
            {...describedBy('password', missing.password)}
            type="password"
            autoComplete="current-password"
            className="h-9"
            ref={password}
            name="password"
            maxLength={1_024}
            onChange={() => setMissing((now) => ({ ...now, password: false }))}
          />
        </Field>
        <Button type="submit" variant="primary" size="lg" disabled={isSubmitting}>
          {isSubmitting ? 'Signing in…' : 'Sign in'}
        </Button>
      </form>
      {oidcName && (
        <>
          <div className="flex items-center gap-3 text-fg-muted text-xs before:h-px before:flex-1 before:bg-border after:h-px after:flex-1 after:bg-border">
            or
          </div>
          <Button size="lg" onClick={() => void withOidc()}>
            Continue with {oidcName}
          </Button>
        </>
      )}
    </div>
  )
}

/** Answers null when it worked, or the code of what went wrong. */
async function start(
  path: string,
  fields: Record<string, string>,
  onUrl?: (url: string) => void,
): Promise<string | null> {
  try {
    const response = await authPost(path, fields)
    const answered = textField(await response.json(), 'url')
    if (answered === null) return response.status === 403 ? 'cross_site_request' : 'unavailable'
    const url = new URL(answered, window.location.origin)
    const code = url.searchParams.get('error')
    if (code && (!response.ok || ERROR_PAGES.includes(url.pathname))) return code
    if (!response.ok) return 'sign_in_failed'
    onUrl?.(url.href)
    return null
  } catch {
    return 'unavailable'
  }
}
