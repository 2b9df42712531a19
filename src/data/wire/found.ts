/** Where what was looked for last stands: offsets into the buffer that was looked through. */
export const found = { start: 0, end: 0 }
