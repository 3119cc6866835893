'use client'

import { useState } from 'react'

/** True from the first time that `now` is: what is loaded when it is first needed stays, so that it can also close. */
export function useEver(now: boolean): boolean {
  const [was, setWas] = useState(now)
  if (now && !was) setWas(true)
  return now || was
}
