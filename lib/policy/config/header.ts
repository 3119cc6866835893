import { z } from 'zod'

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/
const HEADER_VALUE = /^[\t\x20-\x7e]*$/
/** The gateway writes these itself; a configuration that set them could smuggle requests (RFC 9112 section 6). */
const RESERVED_HEADERS =
  /^(host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|keep-alive|expect|proxy-.*)$/i

export const headerName = z
  .string()
  .regex(HEADER_NAME, 'must be the name of an HTTP header')
  .refine((name) => !RESERVED_HEADERS.test(name), 'is a header that the gateway writes itself')

export const headerValue = z.string().max(4_096).regex(HEADER_VALUE, 'must be one line of printable ASCII')
