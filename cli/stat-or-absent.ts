import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { AppError } from '@/lib/errors'

/** What is at a path, or null when nothing is. What cannot be looked at is not taken for absent. */
export const statOrAbsent = (path: string): Promise<Stats | null> =>
  stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (isAbsence(cause)) return null
    throw new AppError('internal', `Cannot look at ${path}: ${cause.code}.`, { cause })
  })

export const isAbsence = ({ code }: NodeJS.ErrnoException): boolean => code === 'ENOENT' || code === 'ENOTDIR'
