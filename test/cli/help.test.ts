import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { readArguments } from '../../src/cli/arguments.ts'
import { COMMANDS, DESCRIPTIONS } from '../../src/cli/commands.ts'
import { help, helpFor } from '../../src/cli/help.ts'

const PAGE = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')

describe('help', () => {
  test('names every command, in 100 columns', () => {
    for (const { name, summary } of DESCRIPTIONS) {
      assert.match(help(), new RegExp(`^  ${name} `, 'm'))
      assert.ok(help().replaceAll(/\s+/g, ' ').includes(summary), name)
    }
    for (const text of [help(), ...COMMANDS.map(helpFor)])
      for (const line of text.split('\n')) assert.ok(line.length <= 100, line)
  })

  for (const { name, flags, example, words } of DESCRIPTIONS) {
    test(`of ${name} names its words and flags, and ends with an example that the command line takes`, () => {
      const text = helpFor(name)
      for (const flag of flags) assert.match(text, new RegExp(`--${flag.name}\\b`))
      for (const { choices = [] } of words)
        for (const choice of choices) assert.match(text, new RegExp(`\\b${choice}\\b`))
      assert.ok(text.endsWith(`Example:\n  ${example}\n`))
      const line = /telegen ([^|>)]*)/.exec(example)?.[1] as string
      assert.equal(readArguments(line.trim().split(' ')).command, name)
    })

    test(`of ${name} has its section in docs/cli.md, with the example`, () => {
      const section = PAGE.split(/^## /m).find((each) => each.startsWith(`${name}\n`))
      assert.ok(section?.startsWith(`${name}\n\n    ${example}\n`), section)
    })
  }
})
