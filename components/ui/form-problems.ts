import type { FieldValues, Path, UseFormSetError } from 'react-hook-form'
import { AppError } from '@/lib/errors'

/**
 * Puts what the server refused beside the fields that it named; answers what belongs to none of them, for the head of the
 * form.
 */
export function placeProblems<T extends FieldValues>(
  thrown: unknown,
  fields: readonly Path<T>[],
  setError: UseFormSetError<T>,
): string | null {
  if (!(thrown instanceof AppError)) return 'The console met something it did not expect. Nothing was changed.'
  const placed = (thrown.errors ?? []).filter(({ path, message }) => {
    const field = fields.find((name) => path === name || path.startsWith(`${name}.`))
    if (field) setError(field, { message: sentence(message) })
    return field !== undefined
  })
  return placed.length > 0 && placed.length === thrown.errors?.length ? null : thrown.message
}

/** Messages of the contract go on after a field's name; beside the field they stand alone. */
export const sentence = (message: string): string => {
  const text = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?]$/.test(text) ? text : `${text}.`
}
