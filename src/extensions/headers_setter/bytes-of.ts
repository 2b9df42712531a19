/**
 * A text as the header `name` has it: a character for each byte of its UTF-8, which is what the Collector sends. Values of gRPC's
 * `-bin` keys are texts until they are sent.
 */
export const bytesOf = (name: string, text: string): string =>
  name.toLowerCase().endsWith('-bin') ? text : Buffer.from(text).toString('latin1')
