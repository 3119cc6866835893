/** RFC 3339 in UTC with microseconds, as the database writes it, so that texts compare as times do. */
export const toInstant = (time: Date | number): string => new Date(time).toISOString().replace(/(\.\d{3})Z$/, '$1000Z')
