/**
 * A program that calls the Python client (clients/python) and prints what it answers. Where and as whom it asks comes from the
 * environment.
 *
 * @param args as they stand in the call, such as `start_time="24h"`
 */
export const pythonCall = (name: string, args: readonly string[]): string =>
  [
    'import os',
    '',
    `from keeptrusts_client import ${name}`,
    '',
    'print(',
    `    ${name}(`,
    ...[...args, 'bearer_token=os.environ["KEEPTRUSTS_API_TOKEN"]', 'base_url=os.environ["KEEPTRUSTS_API_URL"]'].map(
      (arg) => `        ${arg},`,
    ),
    '    )',
    ')',
    '',
  ].join('\n')
