import { type Endpoint, pathNames } from '@/lib/contract/endpoint'

/** The endpoint's example as a command for a shell in which KEEPTRUSTS_API_URL and KEEPTRUSTS_API_TOKEN are set. */
export function curlExample({ access, answers, example, method, path }: Endpoint): string {
  const inPath = pathNames(path)
  const given = Object.entries<unknown>(example.input)
  const filled = path.replace(/:(\w+)/g, (_, name: string) =>
    // A colon is one in a path too (RFC 3986 section 3.3).
    encodeURIComponent(String(example.input[name])).replaceAll('%3A', ':'),
  )
  const rest = given.filter(([name]) => !inPath.includes(name))
  const hasBody = method === 'POST' || method === 'PATCH'
  const query = hasBody ? '' : new URLSearchParams(rest.map(([name, value]) => [name, String(value)])).toString()
  const lines = [
    `curl -fsS${answers === 'events' ? 'N' : ''}${method === 'GET' ? '' : ` -X ${method}`}`,
    ...(access === 'public' ? [] : ['-H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN"']),
    ...(hasBody ? ['-H "Content-Type: application/json"'] : []),
    `"$KEEPTRUSTS_API_URL${filled}${query ? `?${query}` : ''}"`,
    ...(hasBody ? [`-d ${quoted(JSON.stringify(Object.fromEntries(rest), null, 2))}`] : []),
  ]
  return lines.join(' \\\n  ')
}

/** For a POSIX shell: nothing within single quotes means anything but the quote itself. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
