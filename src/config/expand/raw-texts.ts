/**
 * Texts that must come out of expansion as they went in (`${rawenv:X}`). While it goes on, a token of characters that Unicode
 * keeps out of all text stands for each, so that no `$`, no brace in them can take part.
 */
export class RawTexts {
  readonly #texts: string[] = []

  /** What stands for `text` from now on. */
  token(text: string): string {
    this.#texts.push(text)
    return `${OPEN}${this.#texts.length - 1}${CLOSE}`
  }

  restored(text: string): string {
    return text.includes(OPEN) ? text.replaceAll(TOKEN, (token, index: string) => this.#of(token, index)) : text
  }

  /** How long `text` would be, restored. */
  length(text: string): number {
    if (!text.includes(OPEN)) return text.length
    let length = text.length
    for (const [token, index = ''] of text.matchAll(TOKEN)) length += this.#of(token, index).length - token.length
    return length
  }

  #of(token: string, index: string): string {
    return this.#texts[Number(index)] ?? token
  }
}

const OPEN = '\uFDD0'
const CLOSE = '\uFDD1'
const TOKEN = new RegExp(`${OPEN}(\\d+)${CLOSE}`, 'gu')
