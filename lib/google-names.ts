/**
 * Google takes each name of its API in two ways: `inlineData` and `inline_data` are one field (ProtoJSON). What is not
 * written in either stays as it is.
 */
export const camelCase = (name: string): string =>
  name.includes('_') ? name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, next: string) => next.toUpperCase()) : name
