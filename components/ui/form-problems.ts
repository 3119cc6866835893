import type { FieldValues, Path, UseFormSetError } from 'react-hook-form'
import { AppError } from '@/lib/errors'

export type PlacedProblems<Field extends string> = {
  fields: Partial<Record<Field, string>>
  /** What belongs to no field, or not to those alone: for the head of the form. */
  general: string | null
}

/**
 * What the server refused, by the field that it named. `renamed` turns the path of an answer into the name of a field;
 * `scope.team_id` belongs to `scope`, where there is no field of that name.
 */
export function problemsOfAnswer<Field extends string>(
  thrown: unknown,
  names: readonly Field[],
  renamed = (path: string) => path,
): PlacedProblems<Field> {
  if (!(thrown instanceof AppError)) {
    return { fields: {}, general: 'The console met something it did not expect. Nothing was changed.' }
  }
  const taken = thrown.code === 'name_taken' ? names.find((each) => each === 'name' || each === 'id') : undefined
  if (taken) return { fields: { [taken]: thrown.message } as Partial<Record<Field, string>>, general: null }
  const fields: Partial<Record<Field, string>> = {}
  let placed = 0
  for (const { path, message } of thrown.errors ?? []) {
    const given = renamed(path)
    const name = names.find((each) => each === given) ?? names.find((each) => given.startsWith(`${each}.`))
    if (!name) continue
    fields[name] ??= sentence(message)
    placed += 1
  }
  return { fields, general: placed > 0 && placed === thrown.errors?.length ? null : thrown.message }
}

/**
 * Puts what the server refused beside the fields that it named; answers what belongs to none of them, for the head of the
 * form.
 */
export function placeProblems<T extends FieldValues>(
  thrown: unknown,
  names: readonly Path<T>[],
  setError: UseFormSetError<T>,
): string | null {
  const { fields, general } = problemsOfAnswer(thrown, names)
  for (const name of names) {
    const message = fields[name]
    if (message) setError(name, { message })
  }
  return general
}

/** Messages of the contract go on after a field's name; beside the field they stand alone. */
export const sentence = (message: string): string => {
  const text = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?]$/.test(text) ? text : `${text}.`
}
