'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { sessions } from '@/lib/contract/sessions'
import { authPost } from './auth-post'
import { signInErrorWords } from './sign-in-error'

type SignInFormProps = { returnTo: string; error: string | undefined; oidcName: string | undefined }

const Answer = z.object({ url: z.string() })
/** Where next-auth points when it has failed. */
const ERROR_PAGES = ['/sign-in', '/api/auth/error']

export function SignInForm({ returnTo, error, oidcName }: SignInFormProps) {
  const [problem, setProblem] = useState(error)
  const form = useForm({ resolver: zodResolver(sessions.create.input), defaultValues: { email: '', password: '' } })
  const { errors, isSubmitting } = form.formState

  const submit = form.handleSubmit(async ({ email, password }) => {
    setProblem(undefined)
    const failure = await start('callback/password', { email, password, callbackUrl: '/' })
    if (failure === null) return window.location.assign(returnTo)
    form.resetField('password')
    form.setFocus('password')
    setProblem(failure)
  })
  const withOidc = async () => {
    setProblem(undefined)
    const failure = await start('signin/oidc', { callbackUrl: returnTo }, (url) => window.location.assign(url))
    if (failure) setProblem(failure)
  }

  return (
    <div className="flex flex-col gap-4">
      <form className="flex flex-col gap-4" onSubmit={submit} noValidate>
        {problem && (
          <Callout tone={problem === 'session_expired' ? 'info' : 'danger'} role="alert">
            {signInErrorWords(problem)}
          </Callout>
        )}
        <Field id="email" label="E-mail address" error={errors.email && 'Enter your e-mail address.'}>
          <Input
            {...describedBy('email', errors.email)}
            type="email"
            autoComplete="username"
            autoCapitalize="none"
            className="h-9"
            {...form.register('email')}
          />
        </Field>
        <Field id="password" label="Password" error={errors.password && 'Enter your password.'}>
          <Input
            {...describedBy('password', errors.password)}
            type="password"
            autoComplete="current-password"
            className="h-9"
            {...form.register('password')}
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
    const answer = Answer.safeParse(await response.json())
    if (!answer.success) return response.status === 403 ? 'cross_site_request' : 'unavailable'
    const url = new URL(answer.data.url, window.location.origin)
    const code = url.searchParams.get('error')
    if (code && (!response.ok || ERROR_PAGES.includes(url.pathname))) return code
    if (!response.ok) return 'sign_in_failed'
    onUrl?.(url.href)
    return null
  } catch {
    return 'unavailable'
  }
}
