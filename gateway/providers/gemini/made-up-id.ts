/** Begins the id of a call that Gemini made without one; such ids mean nothing to it and stay with us. */
export const MADE_UP_ID = 'call_kt_'
