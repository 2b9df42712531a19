/** `npm run bench -- <name> [options]`: runs `bench/<name>.ts`, which answers one question. */
import { existsSync, readdirSync } from 'node:fs'

const [name = '', ...options] = process.argv.slice(2)
const file = new URL(`${name}.ts`, import.meta.url)

if (!/^[a-z-]+$/.test(name) || name === 'main' || !existsSync(file)) {
  const names = readdirSync(new URL('.', import.meta.url)).filter(
    (entry) => entry.endsWith('.ts') && entry !== 'main.ts',
  )
  console.error(
    `usage: npm run bench -- <name> [options], where name is one of: ${names.map((entry) => entry.slice(0, -3)).join(', ')}`,
  )
  process.exit(1)
}

const { default: run } = (await import(file.href)) as { default: (options: readonly string[]) => Promise<void> }
await run(options)
