import { chmod, mkdir, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from './start-error'

const FREE_BYTES_MIN = 1_073_741_824

/** Makes the data directory and what belongs in it, and makes sure that there is room. */
export async function prepareDataDirectory(directory: string): Promise<void> {
  try {
    await mkdir(join(directory, 'logs'), { recursive: true, mode: 0o700 })
    if (process.getuid?.() === 0) {
      // The database's user passes through to its own directory; names below are of no use to others, files are 0600.
      if ((await stat(directory)).uid === 0) await chmod(directory, 0o711)
    } else {
      await chmod(directory, 0o700)
    }
    // An installation's data has no business in anybody's repository.
    await writeFile(join(directory, '.gitignore'), '*\n')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StartError(
      `The data directory ${directory} cannot be used (${reason}): choose another with KEEPTRUSTS_DATA_DIR.`,
      { cause },
    )
  }
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize < FREE_BYTES_MIN) {
    throw new StartError(
      `Only ${Math.floor((bavail * bsize) / 1_048_576)} MiB are free at ${directory}, and 1024 are needed: make room, or choose another disk with KEEPTRUSTS_DATA_DIR.`,
    )
  }
}
