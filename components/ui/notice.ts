type Options = { description?: string }

/** Quiet notices at the corner. What shows them is loaded with the first one, not with the page. */
export const notice = {
  success: (title: string, options?: Options) => void show('success', title, options),
  error: (title: string, options?: Options) => void show('error', title, options),
}

async function show(kind: 'success' | 'error', title: string, options: Options | undefined) {
  const { toast } = await import('sonner')
  toast[kind](title, options)
}
