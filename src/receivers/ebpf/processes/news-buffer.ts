import type { ProcessNews } from '../../../plugin.ts'

/** Held between two times that they are taken, in the worker thread: 20,000 a second. */
export const NEWS_MAX = 4096

/** What those are to be told who follow the processes of this machine; nothing is held while nobody does. */
export class NewsBuffer {
  #news: ProcessNews[] = []
  #missed = 0
  #isWanted = false

  /** Whether somebody follows. */
  set isWanted(isWanted: boolean) {
    this.#isWanted = isWanted
    if (isWanted) return
    this.#news = []
    this.#missed = 0
  }

  add(news: ProcessNews): void {
    if (!this.#isWanted) return
    if (this.#news.length < NEWS_MAX) this.#news.push(news)
    else this.#missed++
  }

  /** The kernel could not tell of so many. */
  miss(count: number): void {
    if (this.#isWanted) this.#missed += count
  }

  /** Undefined where there is nothing. */
  take(): { readonly news: readonly ProcessNews[]; readonly missed: number } | undefined {
    if (this.#news.length === 0 && this.#missed === 0) return undefined
    const taken = { news: this.#news, missed: this.#missed }
    this.#news = []
    this.#missed = 0
    return taken
  }
}
