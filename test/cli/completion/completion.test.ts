import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readArguments } from '../../../src/cli/arguments.ts'
import { COMMANDS, CREATABLE, SHELLS } from '../../../src/cli/commands.ts'
import type { Shell } from '../../../src/cli/commands.ts'
import { completion } from '../../../src/cli/completion/completion.ts'

const missing = (program: string): string | false =>
  spawnSync(program, ['-c', 'true']).error === undefined ? false : `${program} is not installed`

/** What each shell offers behind a beginning of a command line, sorted. */
const ASK: Readonly<Record<Shell, (script: string, line: string) => readonly [program: string, ...words: string[]]>> = {
  bash: (script, line) => [
    'bash',
    '-c',
    `source ${script}; COMP_WORDS=(${line}${line.endsWith(' ') ? "''" : ''}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _telegen; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  fish: (script, line) => [
    'fish',
    '--no-config',
    '-c',
    `source ${script}; complete -C '${line}' | string replace -r '\\t.*' ''; true`,
  ],
  zsh: (script, line) => ['zsh', '-f', '-c', ZSH.replace('SCRIPT', script).replace('LINE', line)],
}

/** zsh completes at a prompt only: one is made in a pseudo-terminal, where compadd says what it is given. */
const ZSH = String.raw`
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1= PS2= RPS1=; autoload -U compinit; compinit -u -D; source SCRIPT'
zpty -w shell 'compadd () { typeset -a hits; builtin compadd -A hits "$@"; builtin compadd "$@"; (( $#hits )) && print -r -- "HIT:${'$'}{(j: :)hits}:END" }'
zpty -w shell 'bindkey "^I" complete-word; print "READY"; print "SET"'
zpty -r -m shell out $'*READY\r\nSET*'
zpty -w -n shell $'LINE\t'
zpty -r -m shell out '*HIT:*:END*'
print -r -- "$out" | tr '\r' '\n' | sed -n 's/.*HIT:\(.*\):END.*/\1/p' | tr ' ' '\n'
zpty -d shell
`

for (const shell of SHELLS)
  describe(`completion in ${shell}`, { skip: missing(shell) }, () => {
    let folder = ''
    let script = ''
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'telegen-completion-'))
      script = join(folder, `telegen.${shell}`)
      await completion(readArguments(['completion', shell]), (text) => {
        writeFileSync(script, text)
        return 0
      })
    })
    after(() => rmSync(folder, { recursive: true }))

    const offered = (line: string): string[] => {
      const [program, ...words] = ASK[shell](script, line)
      const { stdout, stderr, status } = spawnSync(program, words, { encoding: 'utf8', cwd: folder, timeout: 30_000 })
      assert.equal(status, 0, `${line}: ${stderr}`)
      return stdout.split('\n').filter(Boolean).sort()
    }

    test('knows the commands', () => {
      assert.deepEqual(offered('telegen '), [...COMMANDS].sort())
      assert.deepEqual(offered('telegen gr'), ['graph'])
      assert.deepEqual(offered('telegen --config agent.yaml vali'), ['validate'])
    })

    test("knows a command's words, and the values of its flags", () => {
      assert.deepEqual(offered('telegen create '), [...CREATABLE].sort())
      assert.deepEqual(offered('telegen completion f'), ['fish'])
      assert.deepEqual(offered('telegen graph --output '), ['dot', 'mermaid', 'text'])
      assert.deepEqual(offered('telegen --config a.yaml components --output j'), ['json'])
      assert.deepEqual(offered('telegen print-initial-config --mode u'), ['unredacted'])
    })

    test('knows flags of the command, and no others', () => {
      assert.deepEqual(offered('telegen print-config --mo'), ['--mode'])
      assert.deepEqual(offered('telegen graph --ou'), ['--output'])
      // zsh has nothing to say where nothing fits, and says the flags in several portions.
      if (shell === 'zsh') return
      assert.ok(offered('telegen graph --').includes('--output'))
      assert.ok(!offered('telegen graph --').includes('--mode'))
    })

    test('knows component types behind --set', () => {
      assert.deepEqual(offered('telegen --set exporters.otlp_'), ['exporters.otlp_grpc.', 'exporters.otlp_http.'])
    })

    test('offers files behind --config', { skip: shell === 'zsh' && 'zsh lists files by another way' }, () => {
      writeFileSync(join(folder, 'agent.yaml'), '')
      assert.deepEqual(offered('telegen --config ag'), ['agent.yaml'])
    })
  })

test('a file whose name has spaces and stars is one word in bash', { skip: missing('bash') }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'telegen-completion-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const name of ['my * agent.yaml', 'other.yaml']) writeFileSync(join(folder, name), '')
  let script = ''
  await completion(readArguments(['completion', 'bash']), (text) => (script = text).length)
  writeFileSync(join(folder, 'script'), script)
  const ask = `source ./script; COMP_WORDS=(telegen --config my); COMP_CWORD=2; _telegen; printf '<%s>' "\${COMPREPLY[@]}"`
  assert.equal(spawnSync('bash', ['-c', ask], { cwd: folder, encoding: 'utf8' }).stdout, '<my * agent.yaml>')
})
